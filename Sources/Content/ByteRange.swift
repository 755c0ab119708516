/// A run of bytes: `count` bytes from `offset`.
///
/// Never negative, and the end never overflows.
public struct ByteRange: Hashable, Sendable {
    /// The first byte, from 0.
    public let offset: Int64
    /// How many bytes; 0 is an empty range.
    public let count: Int64

    /// Returns nil if either is negative or their sum overflows.
    public init?(offset: Int64, count: Int64) {
        guard offset >= 0, count >= 0, !offset.addingReportingOverflow(count).overflow else { return nil }
        self.offset = offset
        self.count = count
    }

    /// All bytes from 0 up to `length`, which must not be negative.
    public init(length: Int64) {
        precondition(length >= 0, "a negative length")
        offset = 0
        count = length
    }

    /// The bytes of a half-open range of non-negative offsets.
    public init(_ range: Range<Int64>) {
        precondition(range.lowerBound >= 0, "a negative offset")
        offset = range.lowerBound
        count = range.upperBound - range.lowerBound
    }

    /// The offset behind the last byte.
    public var end: Int64 { offset + count }
    /// Whether there is no byte in it.
    public var isEmpty: Bool { count == 0 }

    /// The bytes in both; an empty range where they do not meet.
    public func intersection(_ other: ByteRange) -> ByteRange {
        let lower = max(offset, other.offset)
        let upper = max(lower, min(end, other.end))
        return ByteRange(lower..<upper)
    }

    /// Whether every byte of `other` is in it.
    public func contains(_ other: ByteRange) -> Bool {
        other.isEmpty || (offset <= other.offset && other.end <= end)
    }
}

extension ByteRange: CustomStringConvertible {
    /// `offset-last`, both inclusive, as in a Range header.
    public var description: String { isEmpty ? "\(offset)-(empty)" : "\(offset)-\(end - 1)" }
}
