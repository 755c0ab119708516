internal import Content

/// What a transfer may move under its limits.
struct RateGrant {
    private let limiters: [RateLimiter]
    private var granted = 0

    init(_ limiters: [RateLimiter]) { self.limiters = limiters }

    var isLimited: Bool { !limiters.isEmpty }

    /// The slowest limit as it is now.
    var rate: Int64? { limiters.compactMap(\.rate).min() }

    /// Nil where `count` bytes may move now; otherwise when they may, and then they are granted.
    mutating func admit(_ count: Int) -> ContinuousClock.Instant? {
        guard isLimited, granted < count else { return nil }
        // Ten milliseconds' worth at once: a thousand waits a second would cost more than they bring.
        let wanted = max(count - granted, Int((rate ?? 0) / 100))
        let now = ContinuousClock.now
        let wait = limiters.map { $0.reserve(wanted, now: now) }.max() ?? .zero
        granted += wanted
        return wait > .zero ? now + wait : nil
    }

    /// The bytes have moved.
    mutating func use(_ count: Int) {
        if isLimited { granted = max(0, granted - count) }
    }

    /// Gives the rest back.
    mutating func release() {
        if granted > 0 { for limiter in limiters { limiter.release(granted) } }
        granted = 0
    }
}
