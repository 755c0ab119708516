import Content
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

    /// Counts what children hold against parents.
    static func count(_ output: SchedulerOutput) {
        for reason in output.complaints {
            let dimensions = [("reason", TaskReport.Reason(reason).rawValue)]
            Counter(label: "darter_complaints_total", dimensions: dimensions).increment()
        }
        guard !output.quarantined.isEmpty else { return }
        Counter(label: "darter_quarantines_total").increment(by: output.quarantined.count)
    }
}
