/// The parents that one child keeps away from for a while: wholly for a growing interval, and four times longer for the
/// pieces they failed.
struct Avoidance: Sendable {
    /// One parent, as its place and the serial number of its joining.
    private struct Entry: Sendable {
        let place: Int
        let birth: Int
        var failures: Int
        var until: SchedulerInstant
        var piecesUntil: SchedulerInstant
        var pieces: BitSet
    }

    private var entries: [Entry] = []
    /// A child that complains of more parents than this forgets the one it complained of first.
    private static let mostEntries = 32

    var isEmpty: Bool { entries.isEmpty }

    /// Notes a failure; returns when something of it will be over, where that has changed.
    mutating func failed(
        _ piece: Int,
        place: Int,
        birth: Int,
        first: Duration,
        longest: Duration,
        now: SchedulerInstant
    ) -> [SchedulerInstant] {
        let index: Int
        if let known = entries.firstIndex(where: { $0.place == place && $0.birth == birth }) {
            index = known
        } else {
            if entries.count == Self.mostEntries { entries.removeFirst() }
            index = entries.count
            entries.append(
                Entry(place: place, birth: birth, failures: 0, until: now, piecesUntil: now, pieces: BitSet())
            )
        }
        entries[index].pieces.insert(piece)
        // What fails while it is avoided was under way before: it is part of the same failure.
        guard entries[index].until <= now else { return [] }
        let interval = min(first * (1 << min(entries[index].failures, 16)), longest)
        entries[index].failures += 1
        entries[index].until = max(entries[index].until, now + interval)
        entries[index].piecesUntil = max(entries[index].piecesUntil, now + interval * 4)
        return [entries[index].until, entries[index].piecesUntil]
    }

    /// Whether something is over at just this time.
    func ends(at time: SchedulerInstant) -> Bool {
        entries.contains { $0.until == time || $0.piecesUntil == time }
    }

    /// A piece came from it after all; returns whether it was avoided.
    mutating func succeeded(place: Int, birth: Int) -> Bool {
        let before = entries.count
        entries.removeAll { $0.place == place && $0.birth == birth }
        return entries.count < before
    }

    func forbids(_ piece: Int, place: Int, birth: Int, now: SchedulerInstant) -> Bool {
        guard let entry = entries.first(where: { $0.place == place && $0.birth == birth }) else { return false }
        return now < entry.until || now < entry.piecesUntil && entry.pieces.contains(piece)
    }

    /// Whether anybody is kept away from.
    func isActive(now: SchedulerInstant) -> Bool { entries.contains { now < $0.piecesUntil } }

    /// Forgets what has been over for as long as it lasted: the next failure counts as the first.
    mutating func forget(now: SchedulerInstant, after rest: Duration) {
        entries.removeAll { $0.piecesUntil + rest <= now }
    }
}
