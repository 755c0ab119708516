/// How many there are of each piece, as binary numbers whose digits lie in bitmaps, one for each digit: whole bitmaps of
/// pieces are counted, and the rarest of them found, 64 at a time.
struct PieceCounters: Sendable {
    /// The digits of 64 pieces stand together, the lowest first.
    private var digits: [UInt64] = []
    /// How many digits the largest number has had.
    private var used = 1
    /// The pieces that there are any of.
    private(set) var present = BitSet()
    private var candidates: [UInt64] = []

    /// Numbers have at most so many digits: there are fewer peers.
    private static let mostDigits = 24

    mutating func learn(pieceCount: Int) {
        let words = (pieceCount + 63) / 64
        let more = words * Self.mostDigits - digits.count
        if more > 0 { digits.append(contentsOf: repeatElement(0, count: more)) }
        present.reserve(words: words)
        candidates = Array(repeating: 0, count: max(words, candidates.count))
    }

    subscript(_ piece: Int) -> Int {
        let start = piece >> 6 * Self.mostDigits
        var count = 0
        for digit in 0..<used { count |= Int(digits[start + digit] >> UInt64(piece & 63) & 1) << digit }
        return count
    }

    /// Counts one more of a piece; returns whether it is the first one.
    @discardableResult
    mutating func add(_ piece: Int) -> Bool { add(1 << UInt64(piece & 63), to: piece >> 6) != 0 }

    /// Counts one less of a piece; returns whether it was the last one.
    @discardableResult
    mutating func subtract(_ piece: Int) -> Bool { subtract(1 << UInt64(piece & 63), from: piece >> 6) != 0 }

    /// Counts one more of each of 64 pieces in `pieces`; returns those that there were none of.
    @discardableResult
    mutating func add(_ pieces: UInt64, to index: Int) -> UInt64 {
        var carry = pieces
        var digit = 0
        while carry != 0 {
            let place = index * Self.mostDigits + digit
            let before = digits[place]
            digits[place] = before ^ carry
            carry &= before
            digit += 1
        }
        if digit > used { used = digit }
        let first = pieces & ~present.word(index)
        if first != 0 { present.set(word: index, present.word(index) | pieces) }
        return first
    }

    /// Counts one less of each of 64 pieces in `pieces`, of which there are some; returns those that there are none of now.
    @discardableResult
    mutating func subtract(_ pieces: UInt64, from index: Int) -> UInt64 {
        let start = index * Self.mostDigits
        var borrow = pieces
        var digit = 0
        while borrow != 0, digit < Self.mostDigits {
            let before = digits[start + digit]
            digits[start + digit] = before ^ borrow
            borrow &= ~before
            digit += 1
        }
        var last = pieces
        for digit in 0..<used where last != 0 { last &= ~digits[start + digit] }
        if last != 0 { present.set(word: index, present.word(index) & ~last) }
        return last
    }

    /// Which of 64 pieces in `pieces` there are just so many of.
    func among(_ pieces: UInt64, at index: Int, thereAre count: Int) -> UInt64 {
        guard count >> used == 0 else { return 0 }
        var left = pieces
        for digit in 0..<used where left != 0 {
            let bits = digits[index * Self.mostDigits + digit]
            left &= count >> digit & 1 == 0 ? ~bits : bits
        }
        return left
    }

    /// The first piece in `words`, upwards from `start` and round the end, of those that there are the fewest of.
    mutating func rarest(of words: [UInt64], from start: Int) -> Int? {
        for index in words.indices { candidates[index] = words[index] }
        for digit in stride(from: used - 1, through: 0, by: -1) {
            var without: UInt64 = 0
            for index in words.indices { without |= candidates[index] & ~digits[index * Self.mostDigits + digit] }
            guard without != 0 else { continue }
            for index in words.indices { candidates[index] &= ~digits[index * Self.mostDigits + digit] }
        }
        var found: Int?
        BitSet.walk(words: words.count, from: start, word: { candidates[$0] }) { piece in
            found = piece
            return true
        }
        return found
    }
}
