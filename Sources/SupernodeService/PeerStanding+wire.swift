import Content
import SwarmScheduling
import WireAPI

extension PeerListing {
    init(_ session: PeerSession, _ standing: PeerStanding, block: BlockList.Block?, at now: ContinuousClock.Instant) {
        self.init(
            peer: session.id,
            name: session.name,
            address: session.url,
            labels: session.labels,
            uploadSlots: session.uploadSlots,
            tasks: session.taskCount,
            silentSeconds: session.silence(at: now).seconds,
            state: PeerState(standing.state),
            quarantineSeconds: standing.quarantinedUntil.map { max(.zero, now.duration(to: $0)).seconds },
            blockReason: block?.reason,
            complaints: standing.complaintListings,
            slowTasks: standing.slowTasks
        )
    }
}

extension PeerStanding {
    var complaintListings: [ComplaintListing] {
        complaints.map { reason, complaints in
            ComplaintListing(reason: .init(reason), times: complaints.times, addresses: complaints.voices.count)
        }
        .sorted { $0.reason.rawValue < $1.reason.rawValue }
    }
}

extension PeerState {
    init(_ state: ParentStanding.State) {
        self =
            switch state {
            case .healthy: .healthy
            case .probation: .probation
            case .quarantined: .quarantined
            case .blocked: .blocked
            }
    }
}
