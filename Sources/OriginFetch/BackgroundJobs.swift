import ServiceLifecycle

/// Runs work that outlives the call that started it, as children of one task group: none is left when the service ends.
package struct BackgroundJobs: Sendable {
    /// Work to be done.
    package typealias Job = @concurrent @Sendable () async -> Void

    private let jobs: AsyncStream<Job>
    private let input: AsyncStream<Job>.Continuation

    package init() {
        (jobs, input) = AsyncStream.makeStream(of: Job.self)
    }

    /// Starts a job soon.
    ///
    /// Returns false after the service has ended: nobody will do it.
    @discardableResult
    package func submit(_ job: @escaping Job) -> Bool {
        if case .terminated = input.yield(job) { false } else { true }
    }

    /// Runs jobs until cancelled or shut down; what runs then is cancelled and waited for.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs.cancelOnGracefulShutdown() { group.addTask { await job() } }
            group.cancelAll()
            input.finish()
        }
    }
}
