/// Lets one caller do some work while the others wait for its result.
actor SingleFlight<Value: Sendable> {
    private var waiters: [CheckedContinuation<Result<Value, any Error>, Never>]?

    /// Runs `work`, or waits for the run that is under way.
    func run(_ work: @Sendable () async throws -> Value) async throws -> Value {
        while waiters != nil {
            let result = await withCheckedContinuation { waiters?.append($0) }
            // Somebody else's cancellation is not ours.
            if case .failure(let error) = result, error is CancellationError, !Task.isCancelled { continue }
            return try result.get()
        }
        waiters = []
        let result: Result<Value, any Error>
        do {
            result = .success(try await work())
        } catch {
            result = .failure(Task.isCancelled ? CancellationError() : error)
        }
        let waiting = waiters ?? []
        waiters = nil
        for waiter in waiting { waiter.resume(returning: result) }
        return try result.get()
    }
}
