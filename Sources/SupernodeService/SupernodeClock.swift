import OriginFetch

/// What a supernode takes the time from.
package struct SupernodeClock: Sendable {
    /// For whatever ends within this process.
    package let now: @Sendable () -> ContinuousClock.Instant
    /// Seconds since 1970: tickets and freshness mean something elsewhere, too.
    package let date: @Sendable () -> Double

    package init(now: @escaping @Sendable () -> ContinuousClock.Instant, date: @escaping @Sendable () -> Double) {
        self.now = now
        self.date = date
    }

    /// The machine's.
    package static let system = SupernodeClock(now: { .now }, date: UnixTime.now)
}
