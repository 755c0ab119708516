import Content
package import NodeConfig

/// One thing to be distributed.
package struct SimulatedTask: Sendable, Configurable {
    /// In bytes.
    package var size = ByteCount.mebibytes(64)
    /// In bytes; nil: as `PieceLayout` chooses.
    package var piece: ByteCount?
    /// So many pieces instead, whatever the size.
    package var pieces: Int?

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("size", &size)
        try fields.check("size", size.bytes > 0, "must be more than nothing")
        try fields.optional("piece", &piece)
        try fields.check("piece", piece.map { $0.bytes > 0 } ?? true, "must be more than nothing")
        try fields.optional("pieces", &pieces)
        try fields.check("pieces", pieces.map { (1...65536).contains($0) } ?? true, "must be from 1 to 65536")
    }

    /// Bytes of every piece but the last.
    package var pieceSize: Double {
        if let pieces { return Double(size.bytes) / Double(pieces) }
        return Double(piece?.bytes ?? PieceLayout(length: size.bytes).pieceSize)
    }

    /// How many pieces there are.
    package var pieceCount: Int { pieces ?? Int((Double(size.bytes) / pieceSize).rounded(.up)) }

    /// Bytes of one piece: the last one may be shorter.
    package func bytes(of piece: Int) -> Double {
        piece + 1 == pieceCount ? Double(size.bytes) - pieceSize * Double(pieceCount - 1) : pieceSize
    }
}
