/// How many bodies go through one link at once: as many as fill it, and no more.
///
/// More bodies make each of them slower, and what is late can not be passed on. As long as a body takes no longer than
/// with fewer at once, one more is tried; and where bodies are shorter than the gap between them, the link stands idle.
/// There is one for what a seed sends, and one for what each peer receives.
package struct Pace: Sendable {
    /// The number; at least 1.
    package private(set) var limit: Double
    /// The shortest that a body took, in nanoseconds; what was long ago counts less.
    private var shortest: Double?
    private var isStarting = true
    private let step: Double

    /// A link of which nothing is known yet.
    ///
    /// `step`: how much more is tried after as many bodies as are under way at once have come in good time.
    package init(start: Int, step: Double) {
        limit = Double(max(1, start))
        self.step = step
    }

    /// A body took so many nanoseconds: how long it takes from one body's end to the next one's beginning where nothing
    /// waits in line, whether as many as allowed were under way, how long bodies take elsewhere (nil: nobody knows), and
    /// the most that is allowed at all.
    package mutating func measured(
        _ duration: Int64,
        gap: Int64 = 0,
        wasFull: Bool,
        usual: Int64? = nil,
        most: Int
    ) {
        let duration = Double(duration)
        let known = shortest.map { min($0, max(duration, $0 * Self.mostShortened)) } ?? duration
        shortest = known + max(0, duration - known) / 64
        // Later the children's links may be shared: what is usual shows that, the shortest does not.
        let reference = usual.map { isStarting ? min(Double($0), known) : Double($0) } ?? known
        let gap = Self.cover * Double(gap)
        if duration <= gap {
            if wasFull { limit = min(Double(most), limit + (isStarting ? 1 : 1 / limit)) }
        } else if duration > Self.tolerance * reference {
            isStarting = false
            // Where the gap says what is late, every second body may be.
            limit = max(1, limit - (gap > Self.tolerance * reference ? 1 / limit : 1))
        } else if wasFull {
            limit = min(Double(most), limit + (isStarting ? 1 : step / limit))
        }
    }

    /// How many gaps the bodies at once are to cover: now and then a body comes sooner than usual, or a call takes longer.
    static let cover = 3.0
    /// One body that came out of a buffer at once does not say what the link can do.
    private static let mostShortened = 0.8
    /// A body may take this much longer than the shortest.
    private static let tolerance = 1.4
}
