/// A set of peers' places: words of 64 places each, and above them one bit for each word that is not empty.
///
/// So who stands in several sets at once is found in a few words, however many peers there are.
struct PlaceSet: Sendable {
    private var words: [UInt64] = []
    private var summary: [UInt64] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    func contains(_ place: Int) -> Bool {
        place >> 6 < words.count && words[place >> 6] >> UInt64(place & 63) & 1 != 0
    }

    mutating func insert(_ place: Int) {
        let index = place >> 6
        if index >= words.count { words.append(contentsOf: repeatElement(0, count: index + 1 - words.count)) }
        if index >> 6 >= summary.count {
            summary.append(contentsOf: repeatElement(0, count: index >> 6 + 1 - summary.count))
        }
        guard !contains(place) else { return }
        words[index] |= 1 << UInt64(place & 63)
        summary[index >> 6] |= 1 << UInt64(index & 63)
        count += 1
    }

    mutating func remove(_ place: Int) {
        guard contains(place) else { return }
        let index = place >> 6
        words[index] &= ~(1 << UInt64(place & 63))
        if words[index] == 0 { summary[index >> 6] &= ~(1 << UInt64(index & 63)) }
        count -= 1
    }

    /// Walks the places, upwards from `start` and round the end once, until `visit` returns true.
    func walk(from start: Int, visit: (Int) -> Bool) {
        Self.walk(
            from: start,
            summaries: summary.count,
            summary: { summary[$0] },
            word: { words[$0] },
            visit: visit
        )
    }

    /// The first place in both sets that suits, upwards from `start` and round the end.
    static func first(in one: PlaceSet, _ other: PlaceSet, from start: Int, where suits: (Int) -> Bool) -> Int? {
        var found: Int?
        walk(
            from: start,
            summaries: min(one.summary.count, other.summary.count),
            summary: { one.summary[$0] & other.summary[$0] },
            word: { one.words[$0] & other.words[$0] },
            visit: { place in
                guard suits(place) else { return false }
                found = place
                return true
            }
        )
        return found
    }

    /// The same of three sets.
    static func first(
        in one: PlaceSet,
        _ other: PlaceSet,
        _ third: PlaceSet,
        from start: Int,
        where suits: (Int) -> Bool
    ) -> Int? {
        var found: Int?
        walk(
            from: start,
            summaries: min(one.summary.count, other.summary.count, third.summary.count),
            summary: { one.summary[$0] & other.summary[$0] & third.summary[$0] },
            word: { one.words[$0] & other.words[$0] & third.words[$0] },
            visit: { place in
                guard suits(place) else { return false }
                found = place
                return true
            }
        )
        return found
    }

    /// `word` is asked only for what `summary` shows.
    private static func walk(
        from start: Int,
        summaries: Int,
        summary: (Int) -> UInt64,
        word: (Int) -> UInt64,
        visit: (Int) -> Bool
    ) {
        let own = start >> 6
        let below: UInt64 = 1 << UInt64(start & 63) - 1
        var isDone = false
        func visitAll(_ members: UInt64, of index: Int) {
            var rest = members
            while rest != 0, !isDone {
                isDone = visit(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        BitSet.walk(words: summaries, from: own, word: summary) { index in
            visitAll(index == own ? word(index) & ~below : word(index), of: index)
            return isDone
        }
        // The walk began in the middle of a word.
        guard !isDone, own >> 6 < summaries, summary(own >> 6) >> UInt64(own & 63) & 1 != 0 else { return }
        visitAll(word(own) & below, of: own)
    }
}
