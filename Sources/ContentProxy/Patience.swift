import Content

/// How long a client waits while nothing of what it wants arrives: a pure value.
struct Patience: Sendable {
    let limit: Duration
    private var arrived: Int64 = 0
    private var since: ContinuousClock.Instant

    init(_ limit: Duration, at now: ContinuousClock.Instant = .now) {
        self.limit = limit
        since = now
    }

    /// Looks at how much has arrived; nil: all of it.
    ///
    /// Returns when to look again; nil where it has been in vain for too long.
    mutating func look(_ arrived: Int64?, at now: ContinuousClock.Instant) -> Duration? {
        guard let arrived else {
            since = now
            return limit
        }
        if arrived != self.arrived { (self.arrived, since) = (arrived, now) }
        let left = limit - since.duration(to: now)
        // Often enough that it is known well when the last bytes came.
        return left > .zero ? min(left, max(limit / 4, .milliseconds(1))) : nil
    }
}

/// Nothing has arrived for as long as a client is patient.
struct Stalled: Error {
    let patience: Duration
}

extension Patience {
    /// Runs `work`, cancelled with ``Stalled`` where nothing arrives for too long.
    func wait<Value: Sendable>(
        watching arrived: @escaping @Sendable () -> Int64?,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            group.addTask {
                var patience = self
                while let pause = patience.look(arrived(), at: .now) { try await Task.sleep(for: pause) }
                throw Stalled(patience: limit)
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
