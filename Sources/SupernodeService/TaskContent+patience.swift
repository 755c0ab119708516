import OriginFetch
import Synchronization
import WireAPI

/// Fetches that nobody wants any longer, and what waits for its turn for too long, keep nobody waiting.
extension TaskContent {
    /// How long a fetch goes on without anybody who wants the content: a client that is started again finds it going on.
    private static let grace = Duration.seconds(30)
    /// How long joiners wait for the fetch's turn before they are sent elsewhere.
    private static let patience = Duration.seconds(15)

    /// Whether anybody takes part or is about to.
    private var isWanted: Bool { task.memberCount > 0 || state.withLock { $0.joiners > 0 } }

    /// Does what is due at `now`.
    func tick(at now: ContinuousClock.Instant) {
        let isWanted = isWanted
        let (fetch, waiters) = state.withLock { state -> (Cancellation?, [CheckedContinuation<Void, Never>]) in
            guard state.isFetching else { return (nil, []) }
            if isWanted { state.unwantedSince = nil } else { state.unwantedSince = state.unwantedSince ?? now }
            let isUnwanted = state.unwantedSince.map { $0.duration(to: now) > Self.grace } ?? false
            if let since = state.queuedSince, since.duration(to: now) > Self.patience { state.isOverdue = true }
            return (isUnwanted ? state.fetch : nil, state.isOverdue ? state.takeWaiters() : [])
        }
        fetch?.cancel()
        for waiter in waiters { waiter.resume() }
    }

    /// It is this fetch's turn.
    ///
    /// Returns whether anybody wants it.
    func takesTurn() -> Bool {
        state.withLock { state in
            state.queuedSince = nil
            state.isOverdue = false
        }
        return isWanted
    }

    /// Runs a fetch that ends, with what is committed kept, once nobody has wanted it for a while.
    func queued<Outcome: Sendable>(
        _ fetch: @escaping @Sendable () async throws(FetchError) -> Outcome
    ) async throws(FetchError) -> Outcome {
        let cancellation = Cancellation()
        state.withLock { state in
            state.fetch = cancellation
            state.queuedSince = task.clock.now()
            state.unwantedSince = nil
        }
        guard let outcome = try await cancellation.run(fetch) else { throw .cancelled }
        return outcome
    }
}
