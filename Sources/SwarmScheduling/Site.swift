/// The peers of one site, who take pieces from each other as soon as one of them has or gets it: between sites a piece
/// travels about once in each direction.
struct Site: Sendable {
    /// The places of the site's peers.
    var members = PlaceSet()
    /// How many copies they hold or are getting in good time, without those of peers that serve nobody.
    var supply = PieceCounters()
    /// How many of the idle here hold a piece.
    var idleCopies = PieceCounters()

    mutating func learn(pieceCount: Int) {
        supply.learn(pieceCount: pieceCount)
        idleCopies.learn(pieceCount: pieceCount)
    }
}
