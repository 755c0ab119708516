package import Content
import Synchronization
package import WireAPI

/// What could not be had a short time ago, so that not everybody who asks for it costs its origin one more question.
///
/// Bounded; whoever was forgotten is asked about again.
package final class RecentRefusals: Sendable {
    private struct Refusal: Sendable {
        var error: WireError
        var until: ContinuousClock.Instant
    }

    private let most: Int
    private let refusals = Mutex<[String: Refusal]>([:])

    /// Remembers `most` at a time.
    package init(most: Int = 4096) { self.most = most }

    /// Why the task could not be had by that source, if that is still remembered at `now`.
    package func refusal(of task: TaskID, by source: Digest, at now: ContinuousClock.Instant) -> WireError? {
        refusals.withLock { refusals in
            let key = Self.key(task, source)
            guard let refusal = refusals[key] else { return nil }
            if refusal.until > now { return refusal.error }
            refusals[key] = nil
            return nil
        }
    }

    /// The task can not be had by that source, and need not be asked for until `deadline`.
    package func remember(
        _ error: WireError,
        of task: TaskID,
        by source: Digest,
        at now: ContinuousClock.Instant,
        until deadline: ContinuousClock.Instant
    ) {
        refusals.withLock { refusals in
            if refusals.count >= most { refusals = refusals.filter { $0.value.until > now } }
            if refusals.count >= most { refusals = [:] }
            refusals[Self.key(task, source)] = Refusal(error: error, until: deadline)
        }
    }

    private static func key(_ task: TaskID, _ source: Digest) -> String { "\(task) \(source)" }
}
