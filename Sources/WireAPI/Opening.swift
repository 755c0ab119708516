package import Content

/// The first bytes of content that a supernode is fetching, which it passes on as they come.
///
/// Nobody has verified them. They are for a reader who holds back the content's end until the whole has proved right, and
/// whom they may mislead until then no further than the origin itself could: they are neither kept nor passed on.
package enum Opening {
    /// How many bytes it has: fewer than any piece, so that the rest of the first piece shows whether they were right.
    package static let byteCount: Int64 = 64 << 10

    /// Whether content of this shape has one: what is but one piece is told to nobody before it is verified.
    package static func exists(in layout: PieceLayout) -> Bool {
        layout.pieceSize > byteCount && layout.pieceCount.map { $0 > 1 } ?? false
    }
}
