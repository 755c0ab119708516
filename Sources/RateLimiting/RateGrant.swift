/// What one transfer may move under its limits, all of which it keeps.
///
/// The limits are asked one after the other, each inner one before its outer one.
public struct RateGrant: Sendable {
    /// A limiter on the way, and the one that was passed before and stands within it.
    private struct Step {
        let limiter: RateLimiter
        let flow: RateLimiter?
    }

    /// What is being asked for.
    private struct Request {
        let bytes: Int
        /// How many of the steps have granted it.
        var passed = 0
        /// The reservation at the next one.
        var number: UInt64?
    }

    /// What is asked for at once: ten milliseconds' worth, since a thousand waits a second would cost more than they
    /// bring, but so little that others do not wait long for their turn.
    private static let most = 1 << 20

    private let steps: [Step]
    private var granted = 0
    private var request: Request?

    /// Nothing is granted yet.
    public init(_ limiters: [RateLimiter]) {
        var steps: [Step] = []
        for limiter in limiters {
            var step = Step(limiter: limiter, flow: nil)
            steps.append(step)
            while let outer = step.limiter.outer {
                step = Step(limiter: outer, flow: step.limiter)
                steps.append(step)
            }
        }
        self.steps = steps
    }

    /// Whether there is any limit.
    public var isLimited: Bool { !steps.isEmpty }

    /// The slowest limit as it is now.
    public var rate: Int64? { steps.compactMap(\.limiter.rate).min() }

    /// How much to move at once of what can be cut anywhere, so that it neither stands still for long nor comes in
    /// crumbs: 20 ms' worth from 1 KiB up to `most`.
    public func portion(upTo most: Int) -> Int {
        guard let rate else { return most }
        return min(most, max(1 << 10, Int(rate / 50)))
    }

    /// Nil where `count` bytes may move now; otherwise when to ask again.
    public mutating func admit(_ count: Int, now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant? {
        guard isLimited else { return nil }
        while granted < count {
            if request == nil {
                let wanted = rate.map { Int($0 / 100) } ?? Self.most
                request = Request(bytes: max(count - granted, min(wanted, Self.most)))
            }
            if let time = proceed(now: now) { return time }
        }
        return nil
    }

    /// Nil where what was asked for is granted by now; otherwise when to ask again.
    public mutating func proceed(now: ContinuousClock.Instant = .now) -> ContinuousClock.Instant? {
        guard var current = request else { return nil }
        while current.passed < steps.count {
            let step = steps[current.passed]
            let number = current.number ?? step.limiter.reserve(current.bytes, through: step.flow, now: now)
            if let time = step.limiter.wait(for: number, now: now) {
                current.number = number
                request = current
                return time
            }
            current.passed += 1
            current.number = nil
        }
        granted += current.bytes
        request = nil
        return nil
    }

    /// The bytes have moved.
    public mutating func use(_ count: Int) {
        if isLimited { granted = max(0, granted - count) }
    }

    /// Waits until `count` bytes may move, and counts them as moved.
    ///
    /// Throws `CancellationError`.
    public mutating func take(_ count: Int) async throws {
        while let time = admit(count) { try await Task.sleep(until: time, tolerance: .zero) }
        use(count)
    }

    /// Gives back what has not moved: to be called at the end.
    public mutating func release() {
        if let request {
            for step in steps[..<request.passed] { step.limiter.release(request.bytes) }
            if let number = request.number { steps[request.passed].limiter.cancel(number, of: request.bytes) }
        }
        request = nil
        if granted > 0 { for step in steps { step.limiter.release(granted) } }
        granted = 0
    }
}
