/// A set of pieces as a bitmap, 64 to a word.
public struct PieceSet: Hashable, Sendable {
    private var words: [UInt64]
    /// How many pieces are in the set.
    public private(set) var count: Int

    /// An empty set.
    public init() {
        words = []
        count = 0
    }

    /// The pieces from 0 up to `count`.
    public init(all count: Int) {
        self.init()
        words = Array(repeating: .max, count: count / 64)
        if !count.isMultiple(of: 64) { words.append((1 << UInt64(count % 64)) - 1) }
        self.count = count
    }

    /// Whether no piece is in it.
    public var isEmpty: Bool { count == 0 }

    /// Whether the piece is in the set.
    public func contains(_ piece: PieceIndex) -> Bool {
        let word = piece.value >> 6
        return word < words.count && words[word] & Self.bit(piece) != 0
    }

    /// Adds a piece; returns whether it is new.
    @discardableResult
    public mutating func insert(_ piece: PieceIndex) -> Bool {
        let word = piece.value >> 6
        if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
        guard words[word] & Self.bit(piece) == 0 else { return false }
        words[word] |= Self.bit(piece)
        count += 1
        return true
    }

    /// Takes a piece out; returns whether it was in.
    @discardableResult
    public mutating func remove(_ piece: PieceIndex) -> Bool {
        guard contains(piece) else { return false }
        words[piece.value >> 6] &= ~Self.bit(piece)
        count -= 1
        trim()
        return true
    }

    /// Adds every piece of `other`.
    public mutating func formUnion(_ other: PieceSet) {
        if other.words.count > words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for index in other.words.indices { words[index] |= other.words[index] }
        recount()
    }

    /// The pieces that are not in `other`.
    public func subtracting(_ other: PieceSet) -> PieceSet {
        var result = self
        for index in result.words.indices where index < other.words.count { result.words[index] &= ~other.words[index] }
        result.recount()
        return result
    }

    /// The pieces in both.
    public func intersection(_ other: PieceSet) -> PieceSet {
        var result = self
        for index in result.words.indices { result.words[index] &= index < other.words.count ? other.words[index] : 0 }
        result.recount()
        return result
    }

    /// The pieces in it with numbers less than `count`.
    public func below(_ count: Int) -> PieceSet {
        guard let last, last.value >= count else { return self }
        var result = self
        result.words.removeLast(words.count - (Swift.max(0, count) + 63) / 64)
        if !count.isMultiple(of: 64), count >> 6 < result.words.count {
            result.words[count >> 6] &= (1 << UInt64(count & 63)) - 1
        }
        result.recount()
        return result
    }

    /// How many pieces from `start` on are in the set without a gap.
    public func contiguousCount(from start: PieceIndex = PieceIndex(0)) -> Int {
        var position = start.value
        while position >> 6 < words.count {
            let missing = ~words[position >> 6] >> UInt64(position & 63)
            let run =
                missing == 0 ? 64 - (position & 63) : Swift.min(missing.trailingZeroBitCount, 64 - (position & 63))
            position += run
            if !position.isMultiple(of: 64) || run == 0 { break }
        }
        return position - start.value
    }

    /// The bitmap in little-endian words: piece 0 is the lowest bit of the first byte; no trailing zero bytes.
    public var bitmap: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.count * 8)
        for word in words { for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift))) } }
        while bytes.last == 0 { bytes.removeLast() }
        return bytes
    }

    /// Reads a bitmap.
    ///
    /// Returns nil if it is longer than `limit` pieces allow.
    public init?(bitmap: [UInt8], limit: Int) {
        self.init()
        guard bitmap.count <= (limit + 7) / 8 else { return nil }
        words = Array(repeating: 0, count: (bitmap.count + 7) / 8)
        for (index, byte) in bitmap.enumerated() { words[index >> 3] |= UInt64(byte) << UInt64(8 * (index & 7)) }
        recount()
        guard last.map({ $0.value < limit }) ?? true else { return nil }
    }

    /// The highest piece in the set.
    public var last: PieceIndex? {
        guard let word = words.lastIndex(where: { $0 != 0 }) else { return nil }
        return PieceIndex(word * 64 + 63 - words[word].leadingZeroBitCount)
    }

    private mutating func recount() {
        trim()
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Equal sets have equal words.
    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }

    private static func bit(_ piece: PieceIndex) -> UInt64 { 1 << UInt64(piece.value & 63) }
}

extension PieceSet: Sequence {
    /// The pieces in ascending order.
    public func makeIterator() -> Iterator { Iterator(words: words) }

    /// Walks the set bits in ascending order.
    public struct Iterator: IteratorProtocol {
        private let words: [UInt64]
        private var word = 0
        private var rest: UInt64

        init(words: [UInt64]) {
            self.words = words
            rest = words.first ?? 0
        }

        /// The next piece, or nil at the end.
        public mutating func next() -> PieceIndex? {
            while rest == 0 {
                word += 1
                guard word < words.count else { return nil }
                rest = words[word]
            }
            let bit = rest.trailingZeroBitCount
            rest &= rest - 1
            return PieceIndex(word * 64 + bit)
        }
    }

    /// Same as ``count``.
    public var underestimatedCount: Int { count }
}

extension PieceSet: ExpressibleByArrayLiteral {
    /// A set of the given piece numbers.
    public init(arrayLiteral elements: Int...) {
        self.init()
        for element in elements { insert(PieceIndex(element)) }
    }
}
