import ArgumentParser
import FoundationEssentials
import Glibc
import NodeConfig
import SwarmSimulation

@main
struct Dfsim: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dfsim",
        abstract: "Simulates swarms: the supernode's own scheduler under a virtual clock.",
        discussion: """
            Scenarios are YAML files: content, hosts with their links, arrivals, deaths, and what a call costs the supernode.
            The same file and seed give the same result on every machine.
            """,
        subcommands: [Run.self, BenchScheduler.self]
    )

    /// As every other line that says what is wrong begins.
    static let _errorPrefix = "dfsim: "
}

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run scenarios and print what came of them.",
        discussion: """
            T is when the last peer finished, bound the least time there can be (Kumar and Ross, 2006); mean, p50, p99, p99.9 and
            max are seconds from a peer's arrival to its end; origin, supernode and cross are bytes over the content's size; cores
            and lock say how busy the supernode's cores and the busiest task's lock were; decisions/s is measured on this machine.

            Exit codes: 0 done, 1 a limit does not hold or a peer did not finish (with --check), 64 wrong usage, 78 wrong scenario.
            """
    )

    @Argument(help: "Scenario files.")
    var files: [String]

    @Flag(help: "Exit 1 unless every peer finishes and the limits in the files hold.")
    var check = false

    @Flag(help: "Print the results as JSON, one line each.")
    var json = false

    @Option(help: "Another seed than the file's.")
    var seed: Int?

    func validate() throws {
        if let seed, seed < 0 { throw ValidationError("--seed must not be negative") }
    }

    func run() throws {
        let scenarios = try files.map { file in
            do throws(ConfigError) {
                return try Scenario.load(path: file)
            } catch {
                complain("\(error)")
                throw ExitCode(78)
            }
        }
        if !json { print(ResultTable.head) }
        var holds = true
        for var scenario in scenarios.flatMap(\.runs) {
            if let seed { scenario.seed = seed }
            let result = measured(scenario)
            print(json ? try encoded(result) : ResultTable.row(result))
            fflush(nil)
            guard check else { continue }
            for fault in result.faults {
                holds = false
                complain("\(scenario.name): \(fault)")
            }
        }
        if !holds { throw ExitCode(1) }
    }

    private func measured(_ scenario: Scenario) -> SimulationResult {
        let clock = ContinuousClock()
        var result = SimulationResult()
        let time = clock.measure {
            var simulation = Simulation(scenario)
            result = simulation.run()
        }
        result.realSeconds = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
        return result
    }

    private func encoded(_ result: SimulationResult) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(result), as: UTF8.self)
    }

    private func complain(_ message: String) {
        let line = "dfsim: \(message)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }
}
