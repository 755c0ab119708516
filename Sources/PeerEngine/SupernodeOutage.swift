import Content

/// How long a supernode has not answered, and whether that is long enough to do without it.
///
/// One that is silent may only be busy, and is shown patience. One that refuses or breaks connections is not there: it is
/// looked at once more a moment later, for it may just be being restarted, and whoever helps meanwhile is as good.
struct SupernodeOutage: Sendable {
    /// So far apart two refusals are no accident.
    static let refusalTime = Duration.milliseconds(250)
    private static let longestDelay = Duration.seconds(2)

    private var failures = 0
    /// Since when every call has failed.
    private var since: ContinuousClock.Instant?
    /// Since when every call has been refused.
    private var refusedSince: ContinuousClock.Instant?

    /// Whether the last calls were not answered.
    var isSilent: Bool { since != nil }

    mutating func answered() { self = SupernodeOutage() }

    /// A call has failed.
    ///
    /// Returns whether the supernode is to be given up.
    mutating func failed(isRefusal: Bool, failover: Duration, at now: ContinuousClock.Instant) -> Bool {
        failures += 1
        let first = since ?? now
        since = first
        refusedSince = isRefusal ? refusedSince ?? now : nil
        let refuses = refusedSince.map { $0.duration(to: now) >= Self.refusalTime } ?? false
        guard refuses || first.duration(to: now) >= failover else { return false }
        since = nil
        refusedSince = nil
        return true
    }

    /// How long to wait with the next call; `chance` is from 0 to 1.
    func delay(isRefusal: Bool, chance: Double) -> Duration {
        let growing = min(Duration.milliseconds(50) * (1 << min(max(0, failures - 1), 6)), Self.longestDelay)
        let delay = growing * (0.5 + chance / 2)
        return isRefusal ? max(delay, Self.refusalTime * (1 + chance / 5)) : delay
    }
}
