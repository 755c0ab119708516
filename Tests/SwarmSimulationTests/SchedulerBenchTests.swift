import SwarmSimulation
import Testing

@Suite("Cost of the scheduler")
struct SchedulerBenchTests {
    @Test("everybody gets everything, and each piece is handed out about once")
    func completes() throws {
        var bench = SchedulerBench(peers: 30, pieces: 40, seed: 1)
        let outcome = bench.run()
        let result = try #require(outcome)
        #expect((1200..<1300).contains(result.assignments))
        #expect(result.exchanges > 1200 && result.seconds > 0)
    }
}
