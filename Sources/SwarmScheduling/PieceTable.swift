/// Pieces of each peer, all in one array: looking through many peers touches nothing else.
struct PieceTable: Sendable {
    private var words: [UInt64] = []
    private var stride = 0

    /// Makes room for so many pieces.
    mutating func learn(pieceCount: Int) {
        let wider = (pieceCount + 63) / 64
        guard wider > stride else { return }
        // Twice as much: while the length is unknown every piece comes as a surprise.
        let next = stride == 0 ? wider : max(wider, 2 * stride)
        let places = stride == 0 ? 0 : words.count / stride
        var moved = Array(repeating: UInt64(0), count: places * next)
        for place in 0..<places {
            for index in 0..<stride { moved[place * next + index] = words[place * stride + index] }
        }
        words = moved
        stride = next
    }

    /// 64 pieces of a place, from `64 * index` on.
    func word(_ index: Int, at place: Int) -> UInt64 {
        let position = place * stride + index
        return index < stride && position < words.count ? words[position] : 0
    }

    func contains(_ piece: Int, at place: Int) -> Bool {
        word(piece >> 6, at: place) >> UInt64(piece & 63) & 1 != 0
    }

    /// Returns whether it is new there.
    mutating func insert(_ piece: Int, at place: Int) -> Bool {
        let end = (place + 1) * stride
        if end > words.count { words.append(contentsOf: repeatElement(0, count: end - words.count)) }
        let bit: UInt64 = 1 << UInt64(piece & 63)
        let position = place * stride + piece >> 6
        guard words[position] & bit == 0 else { return false }
        words[position] |= bit
        return true
    }

    mutating func remove(_ piece: Int, at place: Int) {
        let index = place * stride + piece >> 6
        if index < words.count { words[index] &= ~(1 << UInt64(piece & 63)) }
    }

    /// Whether a place lacks any of the pieces in `offer`.
    func lacks(_ offer: [UInt64], at place: Int) -> Bool {
        let start = place * stride
        guard start + stride <= words.count else { return offer.contains { $0 != 0 } }
        for index in 0..<min(offer.count, stride) where offer[index] & ~words[start + index] != 0 { return true }
        return false
    }
}
