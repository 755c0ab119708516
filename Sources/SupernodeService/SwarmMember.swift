import Content
import SwarmScheduling
import WireAPI

/// A peer's part in one task: what it has been told, and what it is to be told next.
struct SwarmMember: Sendable {
    let session: PeerSession
    /// Pieces whose digests it knows.
    var told = PieceSet()
    /// Pieces it said it holds, whether or not their digests are known here yet.
    var claimed = PieceSet()
    /// Assignments that no answer has carried yet.
    var pending: [PieceIndex: Assignment] = [:]
    /// Assignments to take back.
    var cancelled: [PieceIndex] = []
    /// Which answer carried an assignment.
    var carried: [PieceIndex: UInt64] = [:]
    /// Whom answers told it to ask.
    var named = NamedParents()
    var lengthTold = false
    /// Whether it has told everything it holds.
    var hasAnnounced = false
    /// Whether an answer to a call from before it joined has told it something, for which it may not have been ready.
    var toldEarly = false

    /// An answer was lost: everything is told again.
    mutating func forgetTold() {
        told = PieceSet()
        lengthTold = false
        toldEarly = false
    }

    /// What counts as outstanding: what the peer says, what has not been sent yet, and what answers still on their way carry.
    func outstanding(reported: PieceSet, open: [UInt64]) -> PieceSet {
        var all = reported
        for piece in pending.keys { all.insert(piece) }
        for (piece, sequence) in carried where open.contains(sequence) { all.insert(piece) }
        return all
    }
}
