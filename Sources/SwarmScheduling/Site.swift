/// The peers of one site, who take pieces from each other as soon as one of them has or gets it: between sites a piece
/// travels about once in each direction.
struct Site: Sendable {
    /// The places of the site's peers.
    var members = BitSet()
    /// How many copies they hold or are getting, without those of peers that serve nobody.
    private var supply: [Int] = []
    /// The pieces of which there is such a copy.
    private(set) var supplied = BitSet()
    /// How many of the idle here hold a piece.
    private(set) var idleCopies: [Int] = []
    /// The pieces that somebody idle here holds.
    private(set) var servable = BitSet()

    mutating func learn(pieceCount: Int) {
        guard pieceCount > supply.count else { return }
        supply.append(contentsOf: repeatElement(0, count: pieceCount - supply.count))
        idleCopies.append(contentsOf: repeatElement(0, count: pieceCount - idleCopies.count))
    }

    mutating func addCopy(_ piece: Int) {
        supply[piece] += 1
        if supply[piece] == 1 { supplied.insert(piece) }
    }

    /// Returns whether it was the last one.
    mutating func removeCopy(_ piece: Int) -> Bool {
        supply[piece] -= 1
        if supply[piece] == 0 { supplied.remove(piece) }
        return supply[piece] == 0
    }

    /// Returns whether it is the first one.
    mutating func addIdleCopy(_ piece: Int) -> Bool {
        idleCopies[piece] += 1
        if idleCopies[piece] == 1 { servable.insert(piece) }
        return idleCopies[piece] == 1
    }

    mutating func removeIdleCopy(_ piece: Int) {
        idleCopies[piece] -= 1
        if idleCopies[piece] == 0 { servable.remove(piece) }
    }
}
