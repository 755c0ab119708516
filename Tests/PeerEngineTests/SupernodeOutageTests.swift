import Testing

@testable import PeerEngine

@Suite struct SupernodeOutageTests {
    private let start = ContinuousClock.now
    private let failover = Duration.seconds(3)

    private func fail(
        _ outage: inout SupernodeOutage,
        isRefusal: Bool,
        at now: ContinuousClock.Instant,
        givesUp: Bool
    ) {
        let result = outage.failed(isRefusal: isRefusal, failover: failover, at: now)
        #expect(result == givesUp)
    }

    private func after(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    @Test(
        "Two refusals are enough, unless they come at the same time",
        arguments: [(249, false), (250, true), (400, true)]
    )
    func refusals(second: Int, expected: Bool) {
        var outage = SupernodeOutage()
        fail(&outage, isRefusal: true, at: start, givesUp: false)
        #expect(outage.isSilent)
        fail(&outage, isRefusal: true, at: after(second), givesUp: expected)
    }

    @Test("Silence is shown patience", arguments: [(1000, false), (2999, false), (3000, true)])
    func silence(second: Int, expected: Bool) {
        var outage = SupernodeOutage()
        fail(&outage, isRefusal: false, at: start, givesUp: false)
        fail(&outage, isRefusal: false, at: after(second), givesUp: expected)
    }

    @Test("A refusal among silent failures begins anew, but the time of all counts")
    func mixed() {
        var outage = SupernodeOutage()
        fail(&outage, isRefusal: true, at: start, givesUp: false)
        fail(&outage, isRefusal: false, at: after(1000), givesUp: false)
        fail(&outage, isRefusal: true, at: after(2000), givesUp: false)
        fail(&outage, isRefusal: true, at: after(2250), givesUp: true)
        fail(&outage, isRefusal: false, at: after(2300), givesUp: false)
        fail(&outage, isRefusal: false, at: after(5300), givesUp: true)
    }

    @Test("An answer ends it")
    func answered() {
        var outage = SupernodeOutage()
        fail(&outage, isRefusal: true, at: start, givesUp: false)
        outage.answered()
        #expect(!outage.isSilent)
        fail(&outage, isRefusal: true, at: after(1000), givesUp: false)
    }

    @Test("Whoever is refused for the first time looks again within 300 ms, and is then past the time that it takes")
    func waits() {
        for chance in [0, 0.5, 1] {
            var outage = SupernodeOutage()
            _ = outage.failed(isRefusal: true, failover: failover, at: start)
            // Two calls may be open when the supernode dies.
            _ = outage.failed(isRefusal: true, failover: failover, at: start)
            let delay = outage.delay(isRefusal: true, chance: chance)
            #expect(delay >= SupernodeOutage.refusalTime)
            #expect(delay <= .milliseconds(300))
            fail(&outage, isRefusal: true, at: start + delay, givesUp: true)
        }
    }

    @Test("The next call never waits for long", arguments: [true, false])
    func longest(isRefusal: Bool) {
        var outage = SupernodeOutage()
        for _ in 0..<100 {
            _ = outage.failed(isRefusal: isRefusal, failover: failover, at: start)
            #expect(outage.delay(isRefusal: isRefusal, chance: 1) <= .seconds(2))
        }
    }
}
