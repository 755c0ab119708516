internal import Content
internal import Synchronization

/// Keeps the average rate of everybody who shares it below a limit: a token bucket.
///
/// A limiter can stand within another one, as a task's within its node's: what passes the inner one passes the outer one
/// then. Those that wait at a limiter get equal parts: its transfers, and the limiters within it, however many transfers
/// each of these has (self-clocked fair queueing, Golestani, INFOCOM 1994). An idle limiter saves up 100 ms of its rate
/// at most.
public final class RateLimiter: Sendable {
    /// What somebody waits for.
    private struct Reservation {
        let number: UInt64
        /// The limiter that it came through; nil: one transfer for itself.
        let flow: ObjectIdentifier?
        let bytes: Int
        /// How many bytes the flow will have got with these, counted since it last had nothing to wait for.
        let finish: Int64
    }

    private struct State {
        var rate: Int64?
        /// When all that is granted will have gone; nil before the first.
        var free: ContinuousClock.Instant?
        /// By ``Reservation/finish``.
        var queue: [Reservation] = []
        /// The finish of what was granted last.
        var progress: Int64 = 0
        var reservations: UInt64 = 0
    }

    static let savedUp: Duration = .milliseconds(100)

    /// The limiter that this one stands within.
    let outer: RateLimiter?
    private let state: Mutex<State>

    /// A limiter; nil or 0 limits nothing but what `outer` does.
    public init(bytesPerSecond: Int64?, within outer: RateLimiter? = nil) {
        self.outer = outer
        state = Mutex(State(rate: Self.limit(bytesPerSecond)))
    }

    /// The limit in bytes per second; nil for none.
    ///
    /// A new one counts for what is granted from now on.
    public var rate: Int64? {
        get { state.withLock { $0.rate } }
        set { change(to: newValue, now: .now) }
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

    /// Whether nobody waits and all that was granted has gone: a new limiter would do the same.
    public func isIdle(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.queue.isEmpty && $0.free.map { $0 <= now } ?? true }
    }

    // MARK: Reservations

    /// Gets in line for bytes, and returns the number to ask with when they may move.
    func reserve(_ bytes: Int, through flow: RateLimiter?, now: ContinuousClock.Instant) -> UInt64 {
        let flow = flow.map { ObjectIdentifier($0) }
        return state.withLock { state in
            Self.grant(&state, now)
            let earlier = flow == nil ? nil : state.queue.last { $0.flow == flow }?.finish
            let finish = (earlier ?? state.progress) + Int64(bytes)
            state.reservations += 1
            let own = Reservation(number: state.reservations, flow: flow, bytes: bytes, finish: finish)
            let place = state.queue.lastIndex { $0.finish <= finish }.map { $0 + 1 } ?? 0
            state.queue.insert(own, at: place)
            return own.number
        }
    }

    /// Nil once the bytes are granted; otherwise when to ask again.
    ///
    /// Others may come in before, or go away: so that is no later than what the limiter can save up meanwhile.
    func wait(for number: UInt64, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        state.withLock { state in
            Self.grant(&state, now)
            guard let place = state.queue.firstIndex(where: { $0.number == number }), let rate = state.rate else {
                return nil
            }
            let ahead = state.queue[..<place].reduce(0) { $0 + $1.bytes }
            return min((state.free ?? now) + Self.time(of: ahead, at: rate), now + Self.savedUp)
        }
    }

    /// Gives back what was reserved and is not needed, granted or not.
    func cancel(_ number: UInt64, of bytes: Int) {
        let wasWaiting = state.withLock { state in
            guard let place = state.queue.firstIndex(where: { $0.number == number }) else { return false }
            state.queue.remove(at: place)
            return true
        }
        if !wasWaiting { release(bytes) }
    }

    /// Gives back what was granted and is not needed.
    func release(_ bytes: Int) {
        state.withLock { state in
            guard let rate = state.rate, let free = state.free else { return }
            state.free = free - Self.time(of: bytes, at: rate)
        }
    }

    /// Grants what may have begun to move by now, in order.
    private static func grant(_ state: inout State, _ now: ContinuousClock.Instant) {
        while let first = state.queue.first {
            if let rate = state.rate {
                let start = max(state.free ?? now, now - savedUp)
                guard start <= now else { return }
                state.free = start + time(of: first.bytes, at: rate)
            }
            state.progress = first.finish
            state.queue.removeFirst()
        }
    }

    private static func limit(_ rate: Int64?) -> Int64? { rate.flatMap { $0 > 0 ? $0 : nil } }

    private static func time(of bytes: Int, at rate: Int64) -> Duration {
        .seconds(Double(bytes) / Double(rate))
    }
}
