import Content

@testable import SwarmScheduling

/// Since when transfers are under way, and how children fared, as whoever watches a swarm from outside sees it.
struct TransferTimes {
    private struct Transfer: Hashable {
        let child: PeerID
        let piece: PieceIndex
    }

    private var starts: [Transfer: SchedulerInstant] = [:]
    private var ended: [SchedulerInstant] = []
    /// The children to whom something did not come since they joined.
    private(set) var unlucky: Set<PeerID> = []
    /// The longest that a piece took to come.
    private(set) var longest = Duration.zero

    mutating func began(_ piece: PieceIndex, by child: PeerID, at now: SchedulerInstant) {
        starts[Transfer(child: child, piece: piece)] = now
    }

    mutating func finished(_ piece: PieceIndex, by child: PeerID) {
        if let start = starts.removeValue(forKey: Transfer(child: child, piece: piece)) { ended.append(start) }
    }

    mutating func failed(_ piece: PieceIndex, by child: PeerID) {
        starts[Transfer(child: child, piece: piece)] = nil
        unlucky.insert(child)
    }

    /// What ended is measured with the next decision.
    mutating func decided(at now: SchedulerInstant) {
        for start in ended { longest = max(longest, now - start) }
        ended = []
    }

    mutating func forget(_ child: PeerID) {
        starts = starts.filter { $0.key.child != child }
        unlucky.remove(child)
    }

    /// For how long a piece that was handed out has been under way.
    func age(of piece: PieceIndex, by child: PeerID, at now: SchedulerInstant) -> Duration? {
        starts[Transfer(child: child, piece: piece)].map { now - $0 }
    }
}
