import Content
import Logging
import Metrics
import SwarmScheduling
import Synchronization
import WireAPI

extension SwarmTask {
    /// How members stand as parents, as far as there is something to tell.
    func standings(at now: ContinuousClock.Instant) -> [PeerID: ParentStanding] {
        state.withLock { $0.scheduler.standings(at: now) }
    }

    /// Takes in that a member may have been blocked or unblocked.
    func heedBlocks(of session: PeerSession) {
        change { state in heedBlocks(of: session, in: &state) }
    }

    func heedBlocks(of session: PeerSession, in state: inout State) {
        let isBlocked = blocks.contains(session.node)
        state.scheduler.block(session.id, isBlocked)
        guard isBlocked else { return }
        // Neither do answers that have not gone out yet name it.
        for member in state.members.keys {
            for (piece, assignment) in state.members[member]?.pending ?? [:]
            where assignment.alternates.contains(session.id) {
                state.members[member]?.pending[piece]?.alternates.removeAll { $0 == session.id }
            }
        }
    }

    /// Has the counts of what children hold against parents begin, so that the first of each is an increase.
    static func beginCounts() {
        for reason in FailureReason.allCases { complaints(reason).increment(by: 0) }
        quarantines.increment(by: 0)
    }

    private static func complaints(_ reason: FailureReason) -> Counter {
        Counter(label: "darter_complaints_total", dimensions: [("reason", TaskReport.Reason(reason).rawValue)])
    }

    private static var quarantines: Counter { Counter(label: "darter_quarantines_total") }

    /// Counts what children hold against parents.
    static func count(_ output: SchedulerOutput) {
        for reason in output.complaints { complaints(reason).increment() }
        let begun = output.changes.count { $0.standing.quarantinedUntil != nil }
        if begun > 0 { quarantines.increment(by: begun) }
    }

    /// Says that a member stands otherwise as a parent of this task now.
    func log(_ session: PeerSession, _ standing: ParentStanding) {
        var metadata: Logger.Metadata = [
            "task": "\(id)", "peer": "\(session.id)", "name": "\(session.name)", "node": "\(session.node)",
        ]
        if let end = standing.quarantinedUntil {
            let time = clock.now().duration(to: end)
            var all = PeerStanding()
            all.add(standing)
            metadata["reasons"] = "\(all.complaintListings.map(\.description).joined(separator: ", "))"
            metadata["time"] = "\(time)"
            metadata["until"] = "\(HTTPDate(seconds: Int64((clock.date() + time.seconds).rounded(.up))))"
            // Wrong bytes have a cause that somebody should look for; nodes that can not be reached come and go.
            let isWrong = all.complaints[.wrongBytes] != nil
            logger.log(level: isWrong ? .warning : .notice, "peer in quarantine", metadata: metadata)
        } else if standing.state == .probation {
            logger.info("peer on probation", metadata: metadata)
        } else if standing.state == .healthy {
            logger.info("peer in good health again", metadata: metadata)
        }
    }
}
