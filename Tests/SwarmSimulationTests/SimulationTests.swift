import Content
import NodeConfig
import TestSupport
import Testing

@testable import SwarmSimulation

@Suite("Simulated swarms")
struct SimulationTests {
    /// Equal peers at 25 MB/s, and the supernode with them.
    private func scenario(peers: Int, pieces: Int, change: (inout Scenario) -> Void = { _ in }) -> Scenario {
        var scenario = Scenario()
        scenario.tasks[0].size = .mebibytes(Int64(pieces))
        scenario.tasks[0].pieces = pieces
        scenario.peers.count = peers
        scenario.peers.up = Rate(bytesPerSecond: 25_000_000)
        scenario.peers.down = Rate(bytesPerSecond: 25_000_000)
        scenario.supernode.up = Rate(bytesPerSecond: 25_000_000)
        change(&scenario)
        return scenario
    }

    private func run(_ scenario: Scenario) async -> SimulationResult {
        await onOwnThread {
            var simulation = Simulation(scenario)
            return simulation.run()
        }
    }

    @Test("the same seed gives the same result, another one another")
    func determinism() async {
        let scenario = scenario(peers: 40, pieces: 40) { $0.peers.corrupt = 0.1 }
        let result = await run(scenario).reproducible
        #expect(await run(scenario).reproducible == result)
        var other = scenario
        other.seed = 2
        #expect(await run(other).reproducible != result)
    }

    @Test("a lone peer is as fast as its link")
    func alone() async {
        let result = await run(scenario(peers: 1, pieces: 64))
        #expect(result.unfinished == 0 && result.ratio >= 1 && result.ratio < 1.01)
        #expect(result.supernodeCopies == 1 && result.originCopies == 1)
    }

    @Test(
        "a swarm finishes near its bound, and the supernode repeats little",
        arguments: [(50, 64, 1.25), (50, 256, 1.15), (200, 96, 1.25)]
    )
    func ratios(_ peers: Int, _ pieces: Int, _ limit: Double) async {
        let result = await run(scenario(peers: peers, pieces: pieces))
        #expect(result.unfinished == 0)
        #expect(result.ratio >= 1 && result.ratio <= limit)
        #expect(result.supernodeCopies < 1.3)
        #expect(result.fairness > 0.95)
    }

    @Test("a supernode with a wide link makes use of it")
    func wideSupernode() async {
        let result = await run(scenario(peers: 50, pieces: 64) { $0.supernode.up = Rate(bytesPerSecond: 250_000_000) })
        #expect(result.boundSeconds < 64 * 1_048_576 / 25e6 + 0.01)
        #expect(result.ratio <= 1.15)
    }

    @Test("pieces are served on while the supernode still fetches them")
    func cutThrough() async {
        let result = await run(
            scenario(peers: 20, pieces: 64) { $0.supernode.originRate = Rate(bytesPerSecond: 25_000_000) }
        )
        #expect(result.ratio <= 1.3 && result.originCopies == 1)
    }

    @Test("two layers at once share the links")
    func layers() async {
        let result = await run(scenario(peers: 50, pieces: 64) { $0.tasks.append($0.tasks[0]) })
        #expect(result.pieces == 128 && result.unfinished == 0 && result.ratio <= 1.25)
    }

    @Test("between two zones a piece travels little more than once")
    func zones() async {
        let result = await run(
            scenario(peers: 60, pieces: 64) {
                $0.network.zones = 2
                $0.network.crossRate = Rate(bytesPerSecond: 50_000_000)
            }
        )
        #expect(result.unfinished == 0 && result.ratio <= 1.35)
        #expect(result.crossCopies <= 2)
    }

    @Test("the good finish when others die, lie or are slow", arguments: [false, true])
    func faults(killed: Bool) async {
        let result = await run(
            scenario(peers: 100, pieces: 64) {
                $0.peers.dying = 0.1
                $0.peers.corrupt = 0.05
                $0.peers.slow = 0.1
                $0.peers.dieFrom = .milliseconds(500)
                $0.peers.dieUntil = .milliseconds(1500)
                $0.peers.killed = killed
            }
        )
        #expect(result.unfinished == 0)
        #expect(result.failures > 0 && result.cancellations > 0)
        #expect(result.fullRateRatio <= 2)
    }

    @Test("an overloaded supernode is slow, and says so")
    func overload() async {
        let result = await run(
            scenario(peers: 50, pieces: 32) {
                $0.supernode.cores = 1
                $0.supernode.callCost = .milliseconds(1)
            }
        )
        #expect(result.unfinished == 0)
        #expect(result.coreUse > 0.9 && result.ratio > 1.2)
    }

    @Test("late peers take what is there")
    func arrivals() async {
        let result = await run(scenario(peers: 20, pieces: 32) { $0.peers.arriveOver = .seconds(10) })
        #expect(result.ownRatio <= 1.2 && result.lastSeconds > 10)
    }
}
