/// A set of small numbers (pieces, or places of peers) as words, so that sets meet 64 members at a time.
struct BitSet: Sendable, Equatable {
    private(set) var words: [UInt64]
    private(set) var count: Int

    init(words: [UInt64] = []) {
        self.words = words
        count = words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    var isEmpty: Bool { count == 0 }

    /// The 64 members from `64 * index` on; zero beyond the last word kept.
    func word(_ index: Int) -> UInt64 { index < words.count ? words[index] : 0 }

    /// Puts 64 members in place of those from `64 * index` on.
    mutating func set(word index: Int, _ members: UInt64) {
        reserve(words: index + 1)
        count += members.nonzeroBitCount - words[index].nonzeroBitCount
        words[index] = members
    }

    /// Adds 64 members from `64 * index` on.
    mutating func formUnion(_ members: UInt64, at index: Int) {
        if members != 0 { set(word: index, word(index) | members) }
    }

    mutating func reserve(words count: Int) {
        if count > words.count { words.append(contentsOf: repeatElement(0, count: count - words.count)) }
    }

    func contains(_ member: Int) -> Bool { word(member >> 6) & Self.bit(member) != 0 }

    @discardableResult
    mutating func insert(_ member: Int) -> Bool {
        let index = member >> 6
        reserve(words: index + 1)
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

    mutating func removeAll() {
        guard count > 0 else { return }
        for index in words.indices { words[index] = 0 }
        count = 0
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

    private static func bit(_ member: Int) -> UInt64 { 1 << UInt64(member & 63) }
}
