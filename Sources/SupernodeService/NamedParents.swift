import Content

/// Whom a peer was told to ask for which pieces: what it says of others was made up.
struct NamedParents: Sendable {
    private var names: [(piece: PieceIndex, parent: PeerID)] = []
    /// More than a peer has outstanding; beyond them the oldest are forgotten.
    static let most = 256

    var isEmpty: Bool { names.isEmpty }

    /// The peer is told to ask these for a piece.
    mutating func add(_ parents: [PeerID], for piece: PieceIndex) {
        for parent in parents where !contains(parent, for: piece) { names.append((piece, parent)) }
        if names.count > Self.most { names.removeFirst(names.count - Self.most) }
    }

    func contains(_ parent: PeerID, for piece: PieceIndex) -> Bool {
        names.contains { $0.piece == piece && $0.parent == parent }
    }

    /// The peer complains of a parent; returns whether it was named, which is good for one complaint.
    ///
    /// An assignment that has been taken back counts: the complaint may have been on its way already.
    mutating func take(_ parent: PeerID, for piece: PieceIndex) -> Bool {
        guard let index = names.firstIndex(where: { $0.piece == piece && $0.parent == parent }) else { return false }
        names.remove(at: index)
        return true
    }

    /// The peer has a piece, and has nothing left to say of those that were to send it.
    mutating func finished(_ piece: PieceIndex) { names.removeAll { $0.piece == piece } }
}
