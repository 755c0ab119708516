internal import Content
import Synchronization

/// Keeps the average rate of everybody who shares it below a limit.
///
/// Whoever wants to move bytes reserves them and waits as long as it is told; reservations are served in their order, so
/// that sharers get equal parts. An idle limiter saves up 100 ms of its rate at most.
public final class RateLimiter: Sendable {
    private struct State {
        var rate: Int64?
        /// When all that is reserved will have gone; nil before the first reservation.
        var free: ContinuousClock.Instant?
    }

    private static let savedUp: Duration = .milliseconds(100)
    private let state: Mutex<State>

    /// A limiter; nil or 0 limits nothing.
    public init(bytesPerSecond: Int64?) { state = Mutex(State(rate: Self.limit(bytesPerSecond))) }

    /// The limit in bytes per second; nil for none.
    ///
    /// A new one counts for what is reserved from now on.
    public var rate: Int64? {
        get { state.withLock { $0.rate } }
        set { change(to: newValue, now: .now) }
    }

    /// Reserves bytes and returns how long to wait before they may move; zero for at once.
    public func reserve(_ bytes: Int, now: ContinuousClock.Instant = .now) -> Duration {
        state.withLock { state in
            guard let rate = state.rate else { return .zero }
            let start = max(state.free ?? now, now - Self.savedUp)
            state.free = start + Self.time(of: bytes, at: rate)
            return max(.zero, start - now)
        }
    }

    /// Gives back what was reserved and not used.
    public func release(_ bytes: Int) {
        state.withLock { state in
            guard let rate = state.rate, let free = state.free else { return }
            state.free = free - Self.time(of: bytes, at: rate)
        }
    }

    func change(to newRate: Int64?, now: ContinuousClock.Instant) {
        state.withLock { state in
            let new = Self.limit(newRate)
            if let old = state.rate, let new, let free = state.free, free > now {
                state.free = now + (free - now) * (Double(old) / Double(new))
            } else {
                state.free = nil
            }
            state.rate = new
        }
    }

    private static func limit(_ rate: Int64?) -> Int64? { rate.flatMap { $0 > 0 ? $0 : nil } }

    private static func time(of bytes: Int, at rate: Int64) -> Duration {
        .seconds(Double(bytes) / Double(rate))
    }
}
