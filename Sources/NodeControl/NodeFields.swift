/// Header fields of a download through the node.
package enum NodeField {
    /// The download's name for ``NodeControlClient/status(of:)``.
    package static let download = "Darter-Download"
    /// The task.
    package static let task = "Darter-Task"
    /// The version of the content; also the strong entity tag, for `If-Range`.
    package static let generation = "Darter-Generation"
    /// The size of a piece in bytes.
    package static let pieceSize = "Darter-Piece-Size"
    /// The content's digest, where it is known when the answer begins.
    package static let digest = "Darter-Digest"
}
