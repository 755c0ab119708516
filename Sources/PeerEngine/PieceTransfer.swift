import OriginFetch

/// One piece on its way to this node.
struct PieceTransfer: Sendable {
    let cancellation: Cancellation
    let asked = ContinuousClock.now
    /// How long the request waited in line at the parent; nil before the first byte.
    var queued: Duration?
    /// How long the body took, once all of it is here and being checked.
    var body: Duration?
    /// Whether the supernode has been told that the end is near.
    var isEnding = false

    init(_ cancellation: Cancellation) { self.cancellation = cancellation }
}
