/// When things were last said to be so, of a bounded number of them: what was said longest ago is forgotten first.
///
/// A pure value. What is kept stands in two halves: when the newer one is full, it takes the older one's place.
struct TimedMemory<Key: Hashable & Sendable>: Sendable {
    private var newer: [Key: ContinuousClock.Instant] = [:]
    private var older: [Key: ContinuousClock.Instant] = [:]
    private let most: Int

    /// At most `most` things.
    init(most: Int) { self.most = max(2, most) }

    var count: Int { newer.count + older.count }

    /// When it was last said; nil if it never was, or is forgotten.
    func time(of key: Key) -> ContinuousClock.Instant? { newer[key] ?? older[key] }

    /// Whether it was said less than `age` before `now`.
    func isKnown(_ key: Key, within age: Duration, of now: ContinuousClock.Instant) -> Bool {
        time(of: key).map { $0.duration(to: now) < age } ?? false
    }

    /// It was said at `time`; what was said later stays.
    mutating func note(_ key: Key, at time: ContinuousClock.Instant) {
        let time = max(time, self.time(of: key) ?? time)
        older[key] = nil
        if newer[key] == nil, newer.count >= most / 2 {
            older = newer
            newer = [:]
        }
        newer[key] = time
    }

    mutating func forget(_ key: Key) {
        newer[key] = nil
        older[key] = nil
    }
}
