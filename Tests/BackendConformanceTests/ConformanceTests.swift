import BackendAPI
import Content
import RateLimiting
import TestSupport
import Testing

/// What every backend must do, whatever its origin.
@Suite struct ConformanceTests {
    static let kinds = ConformanceOrigin.Kind.allCases
    static let content = randomBytes(3_000_017, seed: 1)

    @Test(arguments: kinds)
    func givesTheWholeContent(of kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let request = try await origin.request("whole", Self.content)
            let (head, bytes) = try await origin.backend.content(request, limit: 1 << 24)
            #expect(bytes == Self.content)
            #expect(head.range == nil)
            #expect(head.length == Int64(Self.content.count))
            #expect(!head.notModified)
        }
    }

    @Test(arguments: kinds)
    func givesTheRangesAskedFor(of kind: ConformanceOrigin.Kind) async throws {
        let length = Int64(Self.content.count)
        let ranges: [(OriginRange, Range<Int64>)] = [
            (.closed(ByteRange(0..<1)), 0..<1),
            (.closed(ByteRange(1_000..<2_000_000)), 1_000..<2_000_000),
            (.closed(ByteRange(length - 1..<length)), length - 1..<length),
            (.closed(ByteRange(length - 10..<length + 1_000)), length - 10..<length),
            (.from(0), 0..<length),
            (.from(length - 5), length - 5..<length),
        ]
        try await withOrigin(kind) { origin in
            let resource = try await origin.put("ranges", Self.content)
            for (range, expected) in ranges {
                let request = OriginRequest(resource: resource, range: range)
                let (head, bytes) = try await origin.backend.content(request, limit: 1 << 24)
                #expect(head.range == ByteRange(expected), "\(range)")
                #expect(head.length == length)
                #expect(bytes == Array(Self.content[Int(expected.lowerBound)..<Int(expected.upperBound)]), "\(range)")
            }
        }
    }

    @Test(arguments: kinds)
    func refusesARangeBehindTheEnd(of kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let request = try await origin.request("short", [1, 2, 3], range: .from(3))
            let sink = CollectingSink(limit: 100)
            let error = await failure { () throws(BackendError) in try await origin.backend.fetch(request, into: sink) }
            #expect(sink.head == nil && sink.bytes.isEmpty)
            if origin.traits.contains(.answersUnsatisfiable) {
                #expect(error?.code == .rangeNotSatisfiable)
                #expect(error?.length == 3)
            } else {
                #expect(error != nil)
            }
        }
    }

    @Test(arguments: kinds, [nil, .from(0), .closed(ByteRange(0..<100))] as [OriginRange?])
    func givesEmptyContent(of kind: ConformanceOrigin.Kind, range: OriginRange?) async throws {
        try await withOrigin(kind) { origin in
            let request = try await origin.request("empty", [], range: range)
            let (head, bytes) = try await origin.backend.content(request, limit: 100)
            #expect(bytes.isEmpty)
            #expect(head.length == 0)
        }
    }

    @Test(arguments: kinds)
    func saysThatThereIsNothing(at kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let request = OriginRequest(resource: origin.missing)
            let sink = CollectingSink(limit: 1_000)
            let backend = origin.backend
            let fetched = await failure { () throws(BackendError) in try await backend.fetch(request, into: sink) }
            let asked = await failure { () throws(BackendError) in _ = try await backend.head(request) }
            #expect(fetched?.code == .notFound)
            #expect(asked?.code == .notFound)
            #expect(sink.head == nil && sink.bytes.isEmpty)
        }
    }

    @Test(arguments: kinds)
    func tellsTheSameInAHead(of kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let request = try await origin.request("asked", Self.content, range: .from(10))
            let asked = try await origin.backend.head(request)
            let fetched = try await origin.backend.content(request, limit: 1 << 24).head
            #expect(asked.range == nil)
            #expect(asked.length == Int64(Self.content.count))
            #expect(asked.validators.entityTag == fetched.validators.entityTag)
            #expect(asked.digest == fetched.digest)
            #expect(origin.traits.contains(.validators) == (asked.validators.strong != nil))
        }
    }

    @Test(arguments: kinds)
    func waitsForASinkThatPauses(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let sink = PausingSink()
            try await origin.backend.fetch(try await origin.request("paused", Self.content), into: sink)
            #expect(sink.bytes == Self.content)
            #expect(sink.pauses > 0)
            #expect(!sink.calledWhileWaiting)
        }
    }

    @Test(arguments: kinds, [nil, 0, 100_000])
    func endsWhenTheSinkThrows(_ kind: ConformanceOrigin.Kind, after bytes: Int?) async throws {
        try await withOrigin(kind) { origin in
            let request = try await origin.request("refused", Self.content)
            let sink = ThrowingSink(after: bytes)
            let error = await failure { () throws(BackendError) in try await origin.backend.fetch(request, into: sink) }
            #expect(error?.code == .sinkFailed)
            #expect(error?.cause is ThrowingSink.Refusal)
            #expect(sink.callsAfterThrow == 0)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: kinds)
    func endsWhenCancelled(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let request = try await origin.request("cancelled", Self.content)
            let (sink, backend) = (StuckSink(), origin.backend)
            let code = await withTaskGroup(of: BackendError.Code?.self) { group in
                group.addTask {
                    await failure { () throws(BackendError) in try await backend.fetch(request, into: sink) }?.code
                }
                await sink.isStuck.wait()
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(code == .cancelled)
        }
    }

    @Test(arguments: kinds)
    func servesManyAtOnce(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            let resource = try await origin.put("many", Self.content)
            let part = Int64(200_000)
            let backend = origin.backend
            let parts = try await withThrowingTaskGroup(of: (Int64, [UInt8]).self) { group in
                for offset in stride(from: 0, to: Int64(Self.content.count), by: Int(part)) {
                    let range = OriginRange.closed(ByteRange(offset..<offset + part))
                    group.addTask {
                        let request = OriginRequest(resource: resource, range: range)
                        return (offset, try await backend.content(request, limit: Int(part)).bytes)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(parts.sorted { $0.key < $1.key }.flatMap(\.value) == Self.content)
        }
    }

    @Test(arguments: kinds)
    func keepsTheRequestsLimits(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            var request = try await origin.request("limited", Self.content)
            request.limits = [RateLimiter(bytesPerSecond: 6_000_000), RateLimiter(bytesPerSecond: 1 << 40)]
            let begin = ContinuousClock.now
            let bytes = try await origin.backend.content(request, limit: 1 << 24).bytes
            #expect(bytes == Self.content)
            // Never faster; how exact it is, `make bench-limits` tells.
            #expect(ContinuousClock.now - begin > .milliseconds(400))
        }
    }

    @Test(arguments: kinds)
    func goesOnWithAKnownVersionOnly(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            guard origin.traits.contains(.validators) else { return }
            var request = try await origin.request("version", Self.content)
            let known = try await origin.backend.head(request).validators
            request.range = .from(2_000_000)
            request.condition = .ifUnchanged(known)
            let bytes = try await origin.backend.content(request, limit: 1 << 24).bytes
            #expect(bytes == Array(Self.content[2_000_000...]))

            guard origin.traits.contains(.mutable) else { return }
            _ = try await origin.put("version", randomBytes(3_000_000, seed: 2))
            let (sink, backend, changed) = (CollectingSink(limit: 1 << 24), origin.backend, request)
            let error = await failure { () throws(BackendError) in try await backend.fetch(changed, into: sink) }
            #expect(error?.code == .changedAtOrigin)
            #expect(sink.head == nil && sink.bytes.isEmpty)
        }
    }

    @Test(arguments: kinds)
    func revalidates(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            guard origin.traits.contains(.validators) else { return }
            var request = try await origin.request("known", Self.content)
            let known = try await origin.backend.head(request).validators
            request.condition = .ifChanged(known)
            let (head, bytes) = try await origin.backend.content(request, limit: 1 << 24)
            #expect(head.notModified)
            #expect(bytes.isEmpty)
            #expect(try await origin.backend.head(request).notModified)

            guard origin.traits.contains(.mutable) else { return }
            let other = randomBytes(70_000, seed: 3)
            _ = try await origin.put("known", other)
            let changed = try await origin.backend.content(request, limit: 1 << 24)
            #expect(!changed.head.notModified)
            #expect(changed.bytes == other)
        }
    }

    @Test(arguments: kinds)
    func listsIfItSaysSo(_ kind: ConformanceOrigin.Kind) async throws {
        try await withOrigin(kind) { origin in
            guard !origin.backend.capabilities.contains(.listing) else { return }
            let request = try await origin.request("listed", [1])
            let error = await failure { () throws(BackendError) in _ = try await origin.backend.list(request) }
            #expect(error?.code == .unsupported)
        }
    }
}
