import OriginFetch
import Synchronization
import TestSupport
import Testing

@testable import PeerEngine

private final class Count: Sendable {
    private let number = Mutex(0)
    var value: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}

@Suite(.timeLimit(.minutes(1))) struct SingleFlightTests {
    private struct Failure: Error {}

    @Test("Callers at the same time share one run")
    func shares() async throws {
        let flight = SingleFlight<Int>()
        let (started, released) = (TestEvent(), TestEvent())
        let runs = Count()
        let callers = (0..<20).map { _ in
            Task.immediate {
                try await flight.run {
                    runs.add()
                    started.fire()
                    await released.wait()
                    return 7
                }
            }
        }
        await started.wait()
        released.fire()
        for caller in callers { #expect(try await caller.value == 7) }
        // Those that came after the first run may have begun another one, but none of their own each.
        #expect(runs.value < 20)
        let before = runs.value
        #expect(try await flight.run { 8 } == 8)
        #expect(runs.value == before)
    }

    @Test("A failure goes to those who wait, and the next caller tries anew")
    func failure() async throws {
        let flight = SingleFlight<Int>()
        let (started, released) = (TestEvent(), TestEvent())
        let first = Task {
            try await flight.run {
                started.fire()
                await released.wait()
                throw Failure()
            }
        }
        await started.wait()
        let second = Task { try await flight.run { 1 } }
        released.fire()
        await #expect(throws: Failure.self) { try await first.value }
        let result = await second.result
        if case .failure(let error) = result { #expect(error is Failure) }
        #expect(try await flight.run { 2 } == 2)
    }

    @Test("Whoever gives up does not take the others along")
    func cancellation() async throws {
        let flight = SingleFlight<Int>()
        let started = TestEvent()
        let first = Task {
            try await flight.run {
                started.fire()
                await TestEvent().wait()
                try Task.checkCancellation()
                return 1
            }
        }
        await started.wait()
        let second = Task { try await flight.run { 2 } }
        first.cancel()
        await #expect(throws: CancellationError.self) { try await first.value }
        #expect(try await second.value == 2)
    }
}

@Suite(.timeLimit(.minutes(1))) struct NodeIdentityTests {
    @Test("The port is told to all who wait for it, and nobody waits for ever")
    func port() async throws {
        let identity = NodeIdentity(name: "test")
        let givesUp = Task.immediate { try await identity.boundPort() }
        let waiting = (0..<3).map { _ in Task.immediate { try await identity.boundPort() } }
        givesUp.cancel()
        await #expect(throws: CancellationError.self) { try await givesUp.value }
        identity.listens(at: 7)
        for task in waiting { #expect(try await task.value == 7) }
        #expect(try await identity.boundPort() == 7)
    }
}

@Suite(.timeLimit(.minutes(1))) struct CancellationTests {
    @Test("Work that is not given up gives its value")
    func value() async {
        let cancellation = Cancellation()
        #expect(await cancellation.run { 5 } == 5)
        cancellation.cancel()
        #expect(cancellation.isCancelled)
    }

    @Test("Work given up sees itself cancelled, and its last value still counts")
    func during() async {
        let (cancellation, started) = (Cancellation(), TestEvent())
        let running = Task {
            await cancellation.run {
                started.fire()
                await TestEvent().wait()
                return Task.isCancelled ? 1 : 2
            }
        }
        await started.wait()
        cancellation.cancel()
        cancellation.cancel()
        #expect(await running.value == 1)
    }

    @Test("Work given up beforehand is cancelled from the start")
    func before() async {
        let cancellation = Cancellation()
        cancellation.cancel()
        let seen = await cancellation.run {
            await TestEvent().wait()
            return Task.isCancelled
        }
        #expect(seen == true)
    }

    @Test("The caller's own cancellation reaches the work")
    func caller() async {
        let (cancellation, started) = (Cancellation(), TestEvent())
        let running = Task {
            await cancellation.run {
                started.fire()
                await TestEvent().wait()
                return Task.isCancelled
            }
        }
        await started.wait()
        running.cancel()
        #expect(await running.value == true)
        #expect(!cancellation.isCancelled)
    }
}
