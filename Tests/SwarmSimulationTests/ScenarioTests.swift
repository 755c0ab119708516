import NodeConfig
import Testing

@testable import SwarmSimulation

@Suite("Scenarios")
struct ScenarioTests {
    private func read(_ text: String) throws -> Scenario {
        var scenario = Scenario()
        try ConfigFile.parse(text: text, file: "x.yml", into: &scenario)
        return scenario
    }

    @Test("a scenario is read with its variants")
    func reads() throws {
        let scenario = try read(
            """
            name: some
            tasks: [{ size: 200MB }, { size: 8MiB, piece: 1MiB }]
            peers: { count: 30, up: 25MB/s, down: 50MB/s, dying: 0.5, die_until: 3s }
            limits: { ratio: 1.5 }
            variants:
              - { peers: 7 }
              - { peers: 9, pieces: 12, limits: { mean_seconds: 3.5 } }
            """
        )
        let runs = scenario.runs
        #expect(runs.map(\.name) == ["some N=7", "some N=9 M=12"])
        #expect(runs[0].tasks.map(\.pieceCount) == [191, 8])
        #expect(runs[1].tasks.map(\.pieceCount) == [12, 12])
        #expect(runs[1].tasks.map(\.size.bytes) == [12 << 20, 12 << 20])
        #expect(runs[1].peers.count == 9 && Set(runs[1].limits.all.keys) == ["mean_seconds", "ratio"])
        #expect(runs[0].tasks[0].bytes(of: 190) == 200e6 - 190 * 1_048_576)
    }

    @Test(
        "what is wrong is named with file and line",
        arguments: [
            ("name: a\npeers:\n  cuont: 3", "x.yml:3: unknown key 'cuont' in 'peers' (did you mean 'count'?)"),
            ("peers: { slow: 1.5 }", "x.yml:1: 'slow' in 'peers' must be from 0 to 1"),
            ("peers:\n  slow: 0.5\n  corrupt: 0.4\n  dying: 0.2", "x.yml:4:"),
            ("tasks: []", "x.yml:1:"), ("supernode: { up: unlimited }", "x.yml:1:"),
            ("limits: { raito: 1 }", "x.yml:1: unknown key 'raito' in 'limits' (did you mean 'ratio'?)"),
        ]
    )
    func errors(_ text: String, _ message: String) throws {
        do {
            _ = try read(text)
            Issue.record("accepted")
        } catch let error as ConfigError {
            #expect(error.description.hasPrefix(message), "\(error)")
        }
    }

    @Test("limits that do not hold are named")
    func limits() throws {
        var result = SimulationResult()
        result.limits = try read("limits: { ratio: 1.2, mean_seconds: 3, cross_copies: 2 }").limits.all
        result.ratio = 1.3
        result.meanSeconds = 3
        #expect(result.faults == ["ratio is 1.300, above 1.200"])
        result.unfinished = 2
        result.limits = [:]
        #expect(result.faults == ["2 peers did not finish"])
    }

    @Test("numbers are printed with three digits")
    func text() {
        #expect([0, 1.0005, 12.34, -0.5].map { SimulationResult.text($0) } == ["0.000", "1.001", "12.340", "-0.500"])
    }
}
