/// The children that would take more, ordered by how many pieces they have or are getting.
struct WaitingQueue: Sendable {
    private(set) var buckets: [[Int]] = []
    private var occupied = BitSet()
    /// Where each place stands: load and position, nil where it does not wait.
    private var positions: [(load: Int, index: Int)?] = []

    /// Puts a place at `load`, wherever it stood before; nil takes it out.
    mutating func update(_ place: Int, load: Int?) {
        if place >= positions.count {
            positions.append(contentsOf: repeatElement(nil, count: place + 1 - positions.count))
        }
        if let position = positions[place] {
            guard position.load != load else { return }
            let last = buckets[position.load].removeLast()
            if last != place {
                buckets[position.load][position.index] = last
                positions[last] = position
            }
            if buckets[position.load].isEmpty { occupied.remove(position.load) }
            positions[place] = nil
        }
        guard let load else { return }
        if load >= buckets.count { buckets.append(contentsOf: repeatElement([], count: load + 1 - buckets.count)) }
        positions[place] = (load, buckets[load].count)
        buckets[load].append(place)
        occupied.insert(load)
    }

    func contains(_ place: Int) -> Bool { place < positions.count && positions[place] != nil }

    /// The lowest load from `load` on at which somebody waits.
    func lowest(from load: Int) -> Int? {
        for index in (load >> 6)..<max(occupied.words.count, load >> 6) {
            var rest = occupied.words[index]
            if index == load >> 6 { rest &= .max << UInt64(load & 63) }
            if rest != 0 { return index << 6 + rest.trailingZeroBitCount }
        }
        return nil
    }
}
