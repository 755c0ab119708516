/// The number of a piece within its task, from 0.
public struct PieceIndex: Hashable, Sendable, Comparable, Codable {
    /// The number, never negative.
    public let value: Int

    /// `value` must not be negative.
    public init(_ value: Int) {
        precondition(value >= 0, "a negative piece index")
        self.value = value
    }

    /// Orders by number.
    public static func < (left: PieceIndex, right: PieceIndex) -> Bool { left.value < right.value }

    /// The piece behind it.
    public var next: PieceIndex { PieceIndex(value + 1) }

    /// Decodes a number of at least 0 that fits a layout.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let number = try container.decode(Int.self)
        guard (0...Self.largest).contains(number) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a piece index")
        }
        value = number
    }

    /// Encodes the number.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(value)
    }

    /// Parses decimal digits.
    ///
    /// Returns nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard let number = RangeHeader.number(text), number <= Int64(Self.largest) else { return nil }
        value = Int(number)
    }

    /// An upper bound on any index: offsets computed from it can not overflow.
    static let largest = Int(Int32.max)
}

extension PieceIndex: CustomStringConvertible {
    /// The number.
    public var description: String { String(value) }
}

/// How a task's content is cut into pieces.
public struct PieceLayout: Hashable, Sendable {
    /// The content's length in bytes; nil as long as the origin has not said it.
    public let length: Int64?
    /// The size of every piece but the last, in bytes.
    public let pieceSize: Int64

    /// The smallest and the largest piece that a layout chooses, in bytes.
    public static let smallestPiece: Int64 = 256 << 10
    /// The largest piece that a layout chooses, in bytes.
    public static let largestPiece: Int64 = 16 << 20
    /// The piece size while the length is unknown, in bytes.
    public static let pieceSizeOfUnknownLength: Int64 = 1 << 20
    /// The number of pieces a layout aims at: no more, as long as pieces need not be larger than `largestPiece`.
    public static let pieceCountGoal: Int64 = 256

    /// The layout of content of `length` bytes: the smallest power of two from 256 KiB to 16 MiB that gives at most 256
    /// pieces; 1 MiB pieces where the length is unknown.
    public init(length: Int64?) {
        self.length = length
        guard let length else {
            pieceSize = Self.pieceSizeOfUnknownLength
            return
        }
        var size = Self.smallestPiece
        while size < Self.largestPiece, length > size * Self.pieceCountGoal { size *= 2 }
        pieceSize = size
    }

    /// A layout somebody else chose.
    ///
    /// Returns nil unless `pieceSize` is a power of two between the smallest and the largest piece, the length is not
    /// negative, and the number of pieces can be counted.
    public init?(length: Int64?, pieceSize: Int64) {
        guard (Self.smallestPiece...Self.largestPiece).contains(pieceSize), pieceSize & (pieceSize - 1) == 0,
            length ?? 0 >= 0, (length ?? 0) / pieceSize < Int64(PieceIndex.largest)
        else { return nil }
        self.length = length
        self.pieceSize = pieceSize
    }

    /// How many pieces there are; nil while the length is unknown.
    ///
    /// Empty content has none.
    public var pieceCount: Int? {
        // Not rounded up by adding: a length that somebody only claims may be the largest number there is.
        length.map { Int($0 / pieceSize) + ($0 % pieceSize == 0 ? 0 : 1) }
    }

    /// The bytes of a piece; nil where it lies beyond the end.
    ///
    /// While the length is unknown, every piece is taken to be whole.
    public func range(of piece: PieceIndex) -> ByteRange? {
        let (offset, overflow) = Int64(piece.value).multipliedReportingOverflow(by: pieceSize)
        guard !overflow else { return nil }
        guard let length else { return ByteRange(offset: offset, count: pieceSize) }
        guard offset < length else { return nil }
        return ByteRange(offset: offset, count: min(pieceSize, length - offset))
    }

    /// The piece that holds the byte at `offset`, which must not be negative.
    public func piece(at offset: Int64) -> PieceIndex { PieceIndex(Int(offset / pieceSize)) }

    /// The pieces that hold at least one byte of `range`, as numbers.
    public func pieces(touching range: ByteRange) -> Range<Int> {
        guard !range.isEmpty else { return piece(at: range.offset).value..<piece(at: range.offset).value }
        return piece(at: range.offset).value..<piece(at: range.end - 1).value + 1
    }

    /// The same pieces once the length has become known.
    public func with(length: Int64) -> PieceLayout {
        PieceLayout(length: length, pieceSize: pieceSize) ?? self
    }
}
