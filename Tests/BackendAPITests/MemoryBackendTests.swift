import BackendAPI
import Content
import Synchronization
import Testing

@Suite struct MemoryBackendTests {
    private func backend(
        _ count: Int,
        _ change: (inout MemoryBackend.Object) -> Void = { _ in }
    ) throws -> MemoryBackend {
        let backend = MemoryBackend(chunk: 10)
        var object = MemoryBackend.Object((0..<count).map { UInt8(truncatingIfNeeded: $0) })
        change(&object)
        backend.set(object, at: try url("http://a/d/x"))
        return backend
    }

    @Test(arguments: [
        (OriginRange.closed(ByteRange(0..<100)), 0, 100), (.closed(ByteRange(10..<25)), 10, 25), (.from(90), 90, 100),
        (.closed(ByteRange(95..<1000)), 95, 100),
    ])
    func grantsRanges(range: OriginRange, first: Int, end: Int) async throws {
        let (head, bytes) = try await backend(100).content(try request("http://a/d/x", range: range), limit: 1000)
        #expect(head.range == ByteRange(Int64(first)..<Int64(end)))
        #expect(head.length == 100)
        #expect(bytes == (first..<end).map { UInt8($0) })
    }

    @Test func givesEverythingWhereRangesAreNotGranted() async throws {
        let memory = try backend(30) { $0.grantsRanges = false }
        let (head, bytes) = try await memory.content(try request("http://a/d/x", range: .from(20)), limit: 1000)
        #expect(head.range == nil)
        #expect(bytes.count == 30)
    }

    @Test func refusesARangeBehindTheEnd() async throws {
        let (memory, asked) = (try backend(100), try request("http://a/d/x", range: .from(100)))
        let error = try await failure { () async throws(BackendError) in _ = try await memory.content(asked, limit: 9) }
        #expect(error.code == .rangeNotSatisfiable)
        #expect(error.length == 100)
        let empty = try await backend(0).content(try request("http://a/d/x", range: .from(0)), limit: 9)
        #expect(empty.head.range?.isEmpty == true)
        #expect(empty.bytes.isEmpty)
    }

    @Test func answersConditions() async throws {
        let memory = try backend(30)
        let known = try await memory.head(try request("http://a/d/x")).validators
        let same = try await memory.content(try request("http://a/d/x", condition: .ifChanged(known)), limit: 0)
        #expect(same.head.notModified)
        #expect(same.head.bodyLength == 0)
        let more = try request("http://a/d/x", range: .from(20), condition: .ifUnchanged(known))
        #expect(try await memory.content(more, limit: 100).bytes.count == 10)
        memory.set(.init([9]), at: try url("http://a/d/x"))
        let error = try await failure { () async throws(BackendError) in _ = try await memory.content(more, limit: 9) }
        #expect(error.code == .changedAtOrigin)
    }

    @Test func asksForCredentials() async throws {
        let memory = try backend(3) { $0.credentials = .basic(user: "u", password: "p") }
        var asked = try request("http://a/d/x")
        let first = try await failure { [asked] () async throws(BackendError) in _ = try await memory.head(asked) }
        #expect(first.code == .unauthorized)
        #expect(first.challenges == ["Basic realm=\"memory\""])
        asked.credentials = .bearer("x")
        let second = try await failure { [asked] () async throws(BackendError) in _ = try await memory.head(asked) }
        #expect(second.code == .forbidden)
        asked.credentials = .basic(user: "u", password: "p")
        #expect(try await memory.head(asked).length == 3)
    }

    @Test func redeliversAfterAPause() async throws {
        let memory = try backend(100)
        let state = Mutex<(got: [UInt8], pauses: Int)>(([], 0))
        let sink = ScriptedSink(receive: { bytes, flow in
            state.withLock { state in
                if state.pauses < 3 * state.got.count / 10 + 3 {
                    state.pauses += 1
                    flow.resume()
                    flow.resume()
                    return .paused
                }
                state.got += bytes
                return .consumed
            }
        })
        try await memory.fetch(try request("http://a/d/x"), into: sink)
        #expect(state.withLock { $0.got } == (0..<100).map { UInt8($0) })
        #expect(memory.bytesSent == 100)
    }

    @Test func endsAPausedTransferWhenCancelled() async throws {
        let memory = try backend(100)
        let asked = try request("http://a/d/x")
        let code = await withTaskGroup(of: BackendError.Code?.self) { group in
            let (paused, continuation) = AsyncStream<Void>.makeStream()
            group.addTask {
                let sink = ScriptedSink(receive: { _, _ in
                    continuation.finish()
                    return .paused
                })
                do throws(BackendError) {
                    try await memory.fetch(asked, into: sink)
                    return nil
                } catch {
                    return error.code
                }
            }
            for await _ in paused {}
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
    }

    @Test func reportsWhatTheSinkThrows() async throws {
        struct Full: Error {}
        let (memory, asked) = (try backend(100), try request("http://a/d/x"))
        for sink in [ScriptedSink(begin: { _ in throw Full() }), ScriptedSink(receive: { _, _ in throw Full() })] {
            let error = try await failure { () async throws(BackendError) in try await memory.fetch(asked, into: sink) }
            #expect(error.code == .sinkFailed)
            #expect(error.cause is Full)
        }
        let large = try await failure { () async throws(BackendError) in _ = try await memory.content(asked, limit: 99)
        }
        #expect(large.cause is CollectingSink.TooLarge)
    }

    @Test func lists() async throws {
        let memory = try backend(3)
        memory.set(.init([1]), at: try url("http://a/d/e/f"))
        memory.set(.init([1]), at: try url("http://a/dd"))
        let expected = [ListedEntry(name: "e", kind: .directory), ListedEntry(name: "x", kind: .file, length: 3)]
        #expect(try await memory.list(try request("http://a/d")) == expected)
        #expect(try await memory.list(try request("http://a/d/")) == expected)
        let asked = try request("http://a/z")
        let error = try await failure { () async throws(BackendError) in _ = try await memory.list(asked) }
        #expect(error.code == .notFound)
    }

    @Test func countsWithoutAMetricsSystem() async throws {
        let metered = MeteredBackend(try backend(100), name: "memory", clock: RecordingClock())
        #expect(try await metered.content(try request("http://a/d/x"), limit: 100).bytes.count == 100)
        let asked = try request("http://a/none")
        let error = try await failure { () async throws(BackendError) in _ = try await metered.head(asked) }
        #expect(error.code == .notFound)
    }
}
