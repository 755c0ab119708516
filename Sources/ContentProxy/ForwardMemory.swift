import Content
import OriginFetch
import Synchronization
import WireAPI

/// What a node remembers of URLs besides their content: what it must ask the origin itself, and what has been changed through it.
///
/// Bounded.
final class ForwardMemory: Sendable {
    /// So long nobody asks the swarm again for what is not to be shared.
    private static let unshareableTime = Duration.seconds(60)
    /// So long nobody asks the swarm again for what could not be had.
    private static let failureTime = Duration.seconds(5)
    private static let mostChanges = 4096

    private let refusals = RecentRefusals()
    /// When something was sent to a URL that changed what is there.
    private let changes = Mutex<[String: ContinuousClock.Instant]>([:])

    /// Why the swarm can not help with that, if it could not a short time ago.
    func refusal(of task: TaskID, by source: Digest) -> WireError? {
        refusals.refusal(of: task, by: source, at: .now)
    }

    /// The swarm could not help.
    func remember(_ error: WireError, of task: TaskID, by source: Digest) {
        let time: Duration
        switch error.code {
        case .notShareable:
            // An answer that may be another one soon is remembered for a moment only.
            time =
                error.detail["status"].map { ["200", "206", "304"].contains($0) } ?? true
                ? Self.unshareableTime : Self.failureTime
        case .originUnreachable, .originUntrusted, .sourceUnverified, .sourceRefused: time = Self.failureTime
        default: return
        }
        let now = ContinuousClock.now
        refusals.remember(error, of: task, by: source, at: now, until: now + time)
    }

    /// What is at the URL has been changed.
    func changed(_ url: ResourceURL) {
        changes.withLock { changes in
            if changes.count >= Self.mostChanges, let oldest = changes.min(by: { $0.value < $1.value })?.key {
                changes[oldest] = nil
            }
            changes[url.withoutQuery] = .now
        }
    }

    /// What a request for the URL wants of what is here: nothing from before the last change.
    func demand(_ demand: FreshnessDemand?, for url: ResourceURL) -> FreshnessDemand? {
        guard let change = changes.withLock({ $0[url.withoutQuery] }) else { return demand }
        var demand = demand ?? .none
        demand.maxAge = min(demand.maxAge ?? .infinity, change.duration(to: .now).seconds)
        return demand
    }
}
