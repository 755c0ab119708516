public import NodeConfig

/// When to try again: exponential back-off with full jitter, and never before the origin wants it.
public struct RetryPolicy: Configurable, Hashable {
    /// How often a request is made at most, the first time included.
    public var attempts = 4
    /// The upper bound of the first delay; it doubles with each attempt.
    public var baseDelay: Duration = .milliseconds(500)
    /// No delay of our own is longer.
    public var maximumDelay: Duration = .seconds(30)
    /// Whoever wants us to wait longer than this (`Retry-After`) gets no further attempt.
    public var maximumRetryAfter: Duration = .seconds(120)

    /// The defaults.
    public init() {}

    /// One attempt and no more.
    public static var never: RetryPolicy {
        var policy = RetryPolicy()
        policy.attempts = 1
        return policy
    }

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("attempts", &attempts)
        try fields.check("attempts", attempts >= 1, "must be at least 1")
        try fields.value("base_delay", &baseDelay)
        try fields.value("max_delay", &maximumDelay)
        try fields.value("max_retry_after", &maximumRetryAfter)
    }

    /// How long to wait after the failure of an attempt (counted from 1); nil: give up.
    ///
    /// `chance` is a random number from 0 up to 1. The jitter lies on top of what the origin wants, so that not
    /// everybody comes back at the same time.
    public func delay(after error: BackendError, attempt: Int, chance: Double) -> Duration? {
        guard error.isTransient, attempt >= 1, attempt < attempts else { return nil }
        let bound = min(maximumDelay, baseDelay * (1 << min(attempt - 1, 30)))
        let delay = bound * min(max(chance, 0), 1)
        guard let retryAfter = error.retryAfter else { return delay }
        return retryAfter > maximumRetryAfter ? nil : retryAfter + delay
    }
}
