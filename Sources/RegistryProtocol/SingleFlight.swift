internal import Synchronization

/// Lets one caller do what several want at the same time, and gives its result to all.
///
/// The work runs in the task of the caller that came first. If that one is cancelled, one of the others takes over, so
/// nobody fails because somebody else gave up.
final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Outcome: Sendable {
        case result(Result<Value, TokenError>)
        /// The leader gave up, or the flight was missed: look again.
        case vacant
    }

    private struct Flight {
        /// Those who have joined and not yet begun to wait.
        var joined: Set<Int> = []
        var waiters: [Int: CheckedContinuation<Outcome, Never>] = [:]
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var lastTicket = 0
    }

    private let state = Mutex(State())

    /// The result of `work`, or of another caller's for the same key.
    ///
    /// A caller that comes just when a result is ready may run `work` once more: it should look first whether that is
    /// still needed.
    func run(_ key: Key, _ work: () async throws(TokenError) -> Value) async throws(TokenError) -> Value {
        while true {
            if Task.isCancelled { throw TokenError(.cancelled, "cancelled") }
            guard let ticket = join(key) else { return try await lead(key, work) }
            if case .result(let result) = await wait(key, ticket) { return try result.get() }
        }
    }

    /// How many wait for `key`.
    func waiting(for key: Key) -> Int { state.withLock { $0.flights[key]?.waiters.count ?? 0 } }

    /// A waiter's number, or nil for whoever is to lead.
    private func join(_ key: Key) -> Int? {
        state.withLock { state in
            guard state.flights[key] != nil else {
                state.flights[key] = Flight()
                return nil
            }
            state.lastTicket += 1
            state.flights[key]?.joined.insert(state.lastTicket)
            return state.lastTicket
        }
    }

    private func lead(_ key: Key, _ work: () async throws(TokenError) -> Value) async throws(TokenError) -> Value {
        do throws(TokenError) {
            let value = try await work()
            land(key, .result(.success(value)))
            return value
        } catch {
            land(key, Task.isCancelled ? .vacant : .result(.failure(error)))
            throw error
        }
    }

    private func land(_ key: Key, _ outcome: Outcome) {
        let waiters = state.withLock { $0.flights.removeValue(forKey: key)?.waiters ?? [:] }
        for waiter in waiters.values { waiter.resume(returning: outcome) }
    }

    private func wait(_ key: Key, _ ticket: Int) async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The flight may have landed since, or this waiter been cancelled.
                let isEntered = state.withLock { state in
                    guard state.flights[key]?.joined.remove(ticket) != nil else { return false }
                    state.flights[key]?.waiters[ticket] = continuation
                    return true
                }
                if !isEntered { continuation.resume(returning: .vacant) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.flights[key]?.joined.remove(ticket)
                return state.flights[key]?.waiters.removeValue(forKey: ticket)
            }
            waiter?.resume(returning: .vacant)
        }
    }
}
