/// Watches that a transfer keeps a minimum rate on average over a while.
///
/// A pure value.
package struct SpeedWatch: Sendable {
    private let minimum: Int64
    private let window: Duration
    private var samples: [(time: ContinuousClock.Instant, bytes: Int64)]

    /// `minimum`: bytes per second.
    package init(minimum: Int64, over window: Duration = .seconds(30), from start: ContinuousClock.Instant) {
        self.minimum = minimum
        self.window = window
        samples = [(start, 0)]
    }

    /// So many bytes are there at `now`, counted from the start.
    ///
    /// Returns whether the last `window` was slower than allowed.
    package mutating func isTooSlow(_ bytes: Int64, at now: ContinuousClock.Instant) -> Bool {
        samples.append((now, bytes))
        // The newest sample that is old enough stays to compare with.
        while samples.count > 2, samples[1].time + window <= now { samples.removeFirst() }
        let elapsed = samples[0].time.duration(to: now)
        guard elapsed >= window else { return false }
        return Double(bytes - samples[0].bytes) < Double(minimum) * (elapsed / .seconds(1))
    }
}
