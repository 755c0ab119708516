import Content

/// Children that want a part of the content only.
extension SwarmScheduler {
    /// Which of 64 pieces a child wants, and neither has nor is getting.
    func lacking(_ index: Int, at child: Int) -> UInt64 {
        let missing = ~covers.word(index, at: child)
        if wishes.isEmpty { return missing }
        return wishes[child].map { missing & $0.word(index) } ?? missing
    }

    /// Whether a child wants a piece, whether or not it has it.
    func isWanted(_ piece: Int, by child: Int) -> Bool { wishes[child]?.contains(piece) ?? true }

    /// Whether a child lacks any of the pieces in `offer`.
    func lacks(_ offer: [UInt64], at child: Int) -> Bool {
        guard !wishes.isEmpty, wishes[child] != nil else { return covers.lacks(offer, at: child) }
        return offer.indices.contains { offer[$0] & lacking($0, at: child) != 0 }
    }

    /// Whether a child lacks any of what it wants.
    func hasMoreToFetch(_ child: Int) -> Bool { peers[child].coveredCount < pieceCount && !hasItsWish(child) }

    /// Whether a child that does not want all has, or is getting, what it wants: it waits for nothing.
    ///
    /// Whoever wants all may still wait, as long as nobody knows how much that is.
    func hasItsWish(_ child: Int) -> Bool {
        guard !wishes.isEmpty, let wish = wishes[child] else { return false }
        return wish.words.indices.allSatisfy { wish.words[$0] & ~covers.word($0, at: child) == 0 }
    }
}

extension BitSet {
    init(_ pieces: PieceSet) {
        self.init()
        for piece in pieces { insert(piece.value) }
    }
}
