import BackendAPI
import Content
import NodeConfig
import Testing

@Suite struct RetryTests {
    private func passing(_ retryAfter: Duration? = nil) -> BackendError {
        BackendError(.throttled, "later", retryAfter: retryAfter)
    }

    @Test(arguments: [
        (1, 0.0, 0), (1, 1.0, 500), (2, 1.0, 1000), (3, 0.5, 1000), (9, 1.0, 30000), (10_000, 1.0, 30000),
        (1, 7.0, 500),
        (1, -1.0, 0),
    ])
    func backsOffExponentiallyWithJitter(attempt: Int, chance: Double, milliseconds: Int) {
        var policy = RetryPolicy()
        policy.attempts = .max
        #expect(policy.delay(after: passing(), attempt: attempt, chance: chance) == .milliseconds(milliseconds))
    }

    @Test func waitsAsLongAsTheOriginWantsAndGivesUpBeyondThat() {
        let policy = RetryPolicy()
        #expect(policy.delay(after: passing(.seconds(60)), attempt: 1, chance: 1) == .milliseconds(60_500))
        #expect(policy.delay(after: passing(.seconds(121)), attempt: 1, chance: 0) == nil)
        #expect(policy.delay(after: passing(), attempt: 4, chance: 0) == nil)
        #expect(RetryPolicy.never.delay(after: passing(), attempt: 1, chance: 0) == nil)
    }

    @Test(arguments: [
        (BackendError.Code.unreachable, true), (.unavailable, true), (.timedOut, true), (.closedEarly, true),
        (.notFound, false), (.unauthorized, false), (.tls, false), (.cancelled, false), (.refused, false),
        (.sinkFailed, false), (.changedAtOrigin, false), (.protocolViolation, false),
    ])
    func repeatsOnlyWhatMayPass(code: BackendError.Code, isRepeated: Bool) async throws {
        let memory = MemoryBackend()
        memory.set(.init([1, 2, 3]), at: try url("http://a/x"))
        memory.fail(.failure(BackendError(code, "no")), .failure(BackendError(code, "no")))
        let clock = RecordingClock()
        let backend = RetryingBackend(memory, clock: clock, chance: { 1 })
        if isRepeated {
            #expect(try await backend.content(try request("http://a/x"), limit: 10).bytes == [1, 2, 3])
            #expect(clock.sleeps == [.milliseconds(500), .seconds(1)])
            #expect(memory.requests.count == 3)
        } else {
            let asked = try request("http://a/x")
            let error = try await failure { () async throws(BackendError) in _ = try await backend.head(asked) }
            #expect(error.code == code)
            #expect(memory.requests.count == 1)
        }
    }

    @Test func neverRepeatsWhatHasBegun() async throws {
        let memory = MemoryBackend()
        memory.set(.init([1, 2, 3]), at: try url("http://a/x"))
        memory.fail(.closed(after: 2))
        let asked = try request("http://a/x")
        let sink = CollectingSink(limit: 10)
        let backend = RetryingBackend(memory, clock: RecordingClock())
        let error = try await failure { () async throws(BackendError) in try await backend.fetch(asked, into: sink) }
        #expect(error.code == .closedEarly)
        #expect(sink.bytes == [1, 2])
        #expect(memory.requests.count == 1)
    }

    @Test func givesTheLastErrorAfterAllAttempts() async throws {
        let memory = MemoryBackend()
        for _ in 0..<10 { memory.fail(.failure(BackendError(.unavailable, "no", status: 502))) }
        let asked = try request("http://a/x")
        let backend = RetryingBackend(memory, clock: RecordingClock())
        let error = try await failure { () async throws(BackendError) in _ = try await backend.list(asked) }
        #expect(error.code == .notFound, "a listing of the memory backend does not fail by script")
        let other = try await failure { () async throws(BackendError) in _ = try await backend.head(asked) }
        #expect(other.status == 502)
        #expect(memory.requests.count == 4)
    }

    @Test func endsWhenCancelledWhileWaiting() async throws {
        let memory = MemoryBackend()
        memory.fail(.failure(BackendError(.unavailable, "no")))
        let asked = try request("http://a/x")
        let backend = RetryingBackend(memory, clock: RecordingClock())
        let code = await withTaskGroup(of: BackendError.Code?.self) { group in
            group.cancelAll()
            group.addTask {
                do throws(BackendError) {
                    _ = try await backend.head(asked)
                    return nil
                } catch {
                    return error.code
                }
            }
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
    }

    @Test func readsItsConfiguration() throws {
        var policy = RetryPolicy()
        let text = "attempts: 2\nbase_delay: 1s\nmax_delay: 5s\nmax_retry_after: 10s\n"
        try ConfigFile.parse(text: text, file: "f", into: &policy)
        #expect(printed(policy) == text)
        #expect(throws: ConfigError.self) { try ConfigFile.parse(text: "attempts: 0", file: "f", into: &policy) }
    }
}
