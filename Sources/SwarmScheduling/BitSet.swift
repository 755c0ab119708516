/// A set of small numbers (pieces, or places of peers) as words, so that sets meet 64 members at a time.
struct BitSet: Sendable {
    private(set) var words: [UInt64]
    private(set) var count: Int

    init(words: [UInt64] = []) {
        self.words = words
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    var isEmpty: Bool { count == 0 }

    /// The 64 members from `64 * index` on; zero beyond the last word kept.
    func word(_ index: Int) -> UInt64 { index < words.count ? words[index] : 0 }

    func contains(_ member: Int) -> Bool { word(member >> 6) & Self.bit(member) != 0 }

    @discardableResult
    mutating func insert(_ member: Int) -> Bool {
        let index = member >> 6
        if index >= words.count { words.append(contentsOf: repeatElement(0, count: index + 1 - words.count)) }
        guard words[index] & Self.bit(member) == 0 else { return false }
        words[index] |= Self.bit(member)
        count += 1
        return true
    }

    @discardableResult
    mutating func remove(_ member: Int) -> Bool {
        guard contains(member) else { return false }
        words[member >> 6] &= ~Self.bit(member)
        count -= 1
        return true
    }

    mutating func formUnion(_ other: BitSet) {
        if other.words.count > words.count {
            words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
        }
        for index in other.words.indices {
            count += (other.words[index] & ~words[index]).nonzeroBitCount
            words[index] |= other.words[index]
        }
    }

    mutating func removeAll() {
        guard count > 0 else { return }
        for index in words.indices { words[index] = 0 }
        count = 0
    }

    mutating func removeAll(where isOut: (Int) -> Bool) {
        for index in words.indices {
            var rest = words[index]
            while rest != 0 {
                let member = index << 6 + rest.trailingZeroBitCount
                if isOut(member) { remove(member) }
                rest &= rest - 1
            }
        }
    }

    func forEach(_ body: (Int) -> Void) {
        for index in words.indices {
            var rest = words[index]
            while rest != 0 {
                body(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
    }

    /// Whether `other` has a member that is not in this set.
    func lacksMember(of other: BitSet) -> Bool {
        for index in other.words.indices where other.words[index] & ~word(index) != 0 { return true }
        return false
    }

    /// Walks the members given by `word`, upwards from `start` and round the end once, until `visit` returns true.
    static func walk(words: Int, from start: Int, word: (Int) -> UInt64, visit: (Int) -> Bool) {
        guard words > 0 else { return }
        let first = (start >> 6) % words
        let below = bit(start) - 1
        for step in 0...words {
            let index = first + step < words ? first + step : first + step - words
            var rest = word(index)
            if step == 0 { rest &= ~below }
            if step == words { rest &= below }
            while rest != 0 {
                if visit(index << 6 + rest.trailingZeroBitCount) { return }
                rest &= rest - 1
            }
        }
    }

    /// The member with `rank` smaller ones among those given by `word`; 0 where there are not as many.
    static func member(ofRank rank: Int, words: Int, word: (Int) -> UInt64) -> Int {
        var left = rank
        for index in 0..<words {
            var rest = word(index)
            guard left < rest.nonzeroBitCount else {
                left -= rest.nonzeroBitCount
                continue
            }
            for _ in 0..<left { rest &= rest - 1 }
            return index << 6 + rest.trailingZeroBitCount
        }
        return 0
    }

    private static func bit(_ member: Int) -> UInt64 { 1 << UInt64(member & 63) }
}
