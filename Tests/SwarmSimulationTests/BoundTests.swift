import Testing

@testable import SwarmSimulation

@Suite("Bound")
struct BoundTests {
    struct Swarm: Sendable {
        var supernode: Double
        var ups: [Double]
        var downs: [Double]
        var seconds: Double
    }

    @Test(
        "it is the largest of what the supernode, the slowest and all together need",
        arguments: [
            // The supernode sends one copy in 10 s.
            Swarm(supernode: 10, ups: [100, 100], downs: [50, 50], seconds: 10),
            // The slowest receives for 20 s.
            Swarm(supernode: 100, ups: [100, 100], downs: [5, 50], seconds: 20),
            // 300 bytes at 22 a second.
            Swarm(supernode: 20, ups: [1, 1, 0], downs: [100, 100, 100], seconds: 300.0 / 22),
        ]
    )
    func bound(_ swarm: Swarm) {
        let bound = Bound(content: 100, supernodeUp: swarm.supernode, ups: swarm.ups, downs: swarm.downs)
        #expect(abs(bound.seconds - swarm.seconds) < 1e-9)
    }

    @Test("quantiles are values that occur")
    func quantiles() {
        let values = (1...1000).map(Double.init)
        #expect([0.5, 0.99, 0.999, 1].map { Simulation.quantile($0, of: values) } == [500, 990, 999, 1000])
        #expect(Simulation.quantile(0.99, of: [3]) == 3 && Simulation.quantile(0.5, of: []) == 0)
    }
}
