import Content
import Testing

@testable import RateLimiting

@Suite struct RateLimiterTests {
    let start = ContinuousClock.now

    /// When a new transfer may move so many bytes.
    private func wait(_ limiter: RateLimiter, _ bytes: Int, after time: Duration = .zero) -> Duration {
        var grant = RateGrant([limiter])
        return grant.admit(bytes, now: start + time).map { $0 - start } ?? time
    }

    private func simulated(_ limits: [[RateLimiter]], for time: Duration) -> [Int] {
        var simulation = Simulation(start)
        return simulation.run(limits, for: time)
    }

    @Test("Whoever comes later waits for those before, and asks again at the latest when that much is saved up")
    func order() {
        let limiter = RateLimiter(bytesPerSecond: 10_000)
        #expect(wait(limiter, 500) == .zero)
        #expect(wait(limiter, 250) == .milliseconds(50))
        #expect(wait(limiter, 250) == .milliseconds(75))
        #expect(wait(limiter, 10_000) == .milliseconds(100))
        // Who wants little does not wait for somebody who wants much.
        #expect(wait(limiter, 250) == .milliseconds(100))
        #expect(wait(limiter, 250, after: .milliseconds(80)) == .milliseconds(125))
    }

    @Test("An idle limiter saves up a tenth of a second")
    func burst() {
        let limiter = RateLimiter(bytesPerSecond: 1000)
        #expect(wait(limiter, 1) == .zero)
        for _ in 0..<2 { #expect(wait(limiter, 50, after: .seconds(100)) == .seconds(100)) }
        #expect(wait(limiter, 50, after: .seconds(100)) == .seconds(100))
        #expect(wait(limiter, 50, after: .seconds(100)) == .milliseconds(100_050))
    }

    @Test("What is given back is free again, whether it was granted or waited")
    func givingBack() {
        let limiter = RateLimiter(bytesPerSecond: 1000)
        var (first, second) = (RateGrant([limiter]), RateGrant([limiter]))
        #expect(first.admit(1000, now: start) == nil)
        #expect(second.admit(1000, now: start) != nil)
        first.use(50)
        first.release()
        second.release()
        #expect(wait(limiter, 1) == .milliseconds(50))
        #expect(limiter.isIdle(at: start + .seconds(1)) == false)
    }

    @Test func theRateCanChange() {
        let limiter = RateLimiter(bytesPerSecond: 1000)
        #expect(wait(limiter, 100) == .zero)
        limiter.change(to: 2000, now: start)
        #expect(wait(limiter, 1) == .milliseconds(50))
        limiter.rate = nil
        #expect(wait(limiter, 1 << 40) == .zero)
        #expect(limiter.rate == nil)
        limiter.rate = 0
        #expect(limiter.rate == nil)
    }

    @Test("A transfer keeps all of its limits")
    func several() {
        let slow = RateLimiter(bytesPerSecond: 100_000)
        let fast = RateLimiter(bytesPerSecond: 1_000_000)
        let moved = simulated([[fast, slow]], for: .seconds(2))
        #expect((200_000...215_000).contains(moved[0]), "\(moved)")
    }

    @Test(
        "Two tasks get equal parts of their node's rate, however many transfers each of them has",
        arguments: [(1, 1), (16, 1), (1, 16), (64, 2)]
    )
    func tasks(first: Int, second: Int) {
        let node = RateLimiter(bytesPerSecond: 10_000_000)
        let tasks = (0..<2).map { _ in RateLimiter(bytesPerSecond: nil, within: node) }
        let transfers = [first, second].enumerated().flatMap { Array(repeating: [tasks[$0]], count: $1) }
        let moved = simulated(transfers, for: .seconds(3))
        let (one, other) = (moved[..<first].reduce(0, +), moved[first...].reduce(0, +))
        #expect((29_500_000...31_000_000).contains(one + other), "\(one) \(other)")
        #expect(abs(one - other) < 500_000, "\(one) \(other)")
        #expect((moved[..<first].min() ?? 0) * 2 >= (moved[..<first].max() ?? 0), "\(moved)")
    }

    @Test("What a task with a limit of its own leaves over, the others get")
    func limitedTask() {
        let node = RateLimiter(bytesPerSecond: 10_000_000)
        let limited = RateLimiter(bytesPerSecond: 1_000_000, within: node)
        let free = RateLimiter(bytesPerSecond: nil, within: node)
        let moved = simulated([[limited], [limited], [limited], [free]], for: .seconds(3))
        let part = moved[..<3].reduce(0, +)
        #expect((2_900_000...3_150_000).contains(part), "\(moved)")
        #expect((26_500_000...28_400_000).contains(moved[3]), "\(moved)")
    }

    @Test("Whoever comes late or goes away early takes nothing from the rate")
    func changes() {
        let node = RateLimiter(bytesPerSecond: 1_000_000)
        let tasks = (0..<2).map { _ in RateLimiter(bytesPerSecond: nil, within: node) }
        var simulation = Simulation(start)
        _ = simulation.run(Array(repeating: [tasks[0]], count: 16), for: .seconds(1))
        // Those are still waiting when the next one comes; then they give up.
        let moved = simulation.run([[tasks[1]]], for: .seconds(2))
        #expect((970_000...1_150_000).contains(moved[0]), "\(moved)")
        simulation.end()
        let alone = simulation.run([[tasks[1]]], for: .seconds(3), keepingOthers: false)
        #expect((2_850_000...3_150_000).contains(alone[0]), "\(alone)")
    }

    @Test("A limiter's rate is what it says, from slow to fast", arguments: [100_000, 5_000_000, 500_000_000])
    func accuracy(rate: Int64) {
        let moved = simulated([[RateLimiter(bytesPerSecond: rate)]], for: .seconds(4))
        #expect(abs(Double(moved[0]) / Double(4 * rate) - 1) < 0.05, "\(moved)")
    }
}

/// Transfers that move 16 KiB whenever they may, and ask again when they are told to, on a clock of their own that is always
/// a millisecond late.
private struct Simulation {
    private var now: ContinuousClock.Instant
    private var earlier: [Transfer] = []

    private struct Transfer {
        var grant: RateGrant
        var asks: ContinuousClock.Instant
        var moved = 0
    }

    init(_ start: ContinuousClock.Instant) { now = start }

    mutating func run(
        _ limits: [[RateLimiter]],
        for time: Duration,
        keepingOthers: Bool = true
    ) -> [Int] {
        let end = now + time
        let others = keepingOthers ? earlier.count : 0
        var transfers = (keepingOthers ? earlier : []) + limits.map { Transfer(grant: RateGrant($0), asks: now) }
        while now < end {
            for place in transfers.indices where transfers[place].asks <= now {
                while transfers[place].moved < 1 << 40 {
                    if let later = transfers[place].grant.admit(16 << 10, now: now) {
                        transfers[place].asks = later + .milliseconds(1)
                        break
                    }
                    transfers[place].grant.use(16 << 10)
                    transfers[place].moved += 16 << 10
                }
            }
            now = max(now + .microseconds(100), transfers.map(\.asks).min() ?? end)
        }
        earlier = transfers
        return transfers[others...].map(\.moved)
    }

    mutating func end() {
        for place in earlier.indices { earlier[place].grant.release() }
    }
}
