/// Limits of the same kind by key, such as those of tasks: each has its own, and all of them stand within one.
public struct RateLimits<Key: Hashable & Sendable>: Sendable {
    /// The limit of all together; nil for none.
    public let total: RateLimiter?
    private let each: SharedTable<Key, RateLimiter>?

    /// `each`: bytes per second; nil: a key has no limit of its own, and its fair part of the total.
    public init(each: Int64? = nil, within total: RateLimiter? = nil) {
        self.total = total
        guard each != nil || total != nil else {
            self.each = nil
            return
        }
        self.each = SharedTable { _ in
            RateLimiter(bytesPerSecond: each, within: total)
        } isIdle: {
            $0.isIdle(at: .now)
        }
    }

    /// What a transfer of `key` has to keep; nil where there is no limit.
    public func limiter(of key: Key) -> RateLimiter? { each?[key] }
}
