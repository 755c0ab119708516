import ArgumentParser
import Glibc
import SwarmSimulation

struct BenchScheduler: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-scheduler",
        abstract: "Measure what the scheduler costs: assignments a second on one core, and memory.",
        discussion: """
            One swarm after the other goes from empty until everybody has everything; each exchange of a peer is followed by a
            decision. Processor time within the scheduler counts, what it takes in included; memory is how much the process
            grew, less the bitmaps; it is not judged with fewer than 1000 peers.

            Exit codes: 0 done, 1 a limit does not hold.
            """
    )

    @Option(parsing: .upToNextOption, help: "Numbers of peers.")
    var peers = [1000, 10_000]

    @Option(help: "Number of pieces.")
    var pieces = 256

    @Option(help: "Seed of all chance.")
    var seed = 1

    @Option(help: "The least assignments a second.")
    var leastRate = 200_000

    @Option(help: "The most bytes for each peer.")
    var mostBytes = 2048

    func validate() throws {
        guard peers.allSatisfy({ $0 > 0 }), pieces > 0, seed >= 0 else {
            throw ValidationError("--peers, --pieces must be positive, --seed must not be negative")
        }
    }

    func run() throws {
        print("  peers  pieces  assignments  exchanges  seconds  assignments/s  ns each  bytes/peer")
        var holds = true
        for count in peers {
            var bench = SchedulerBench(peers: count, pieces: pieces, seed: UInt64(seed))
            guard let result = bench.run() else {
                print("\(count) peers: the swarm stood still")
                throw ExitCode(1)
            }
            let rate = Int(Double(result.assignments) / result.seconds)
            let bytes = result.stateBytes / count
            let cells = [
                (String(count), 7), (String(pieces), 8), (String(result.assignments), 13),
                (String(result.exchanges), 11),
                (String((result.seconds * 100).rounded() / 100), 9), (String(rate), 15),
                (String(Int(result.seconds * 1e9) / result.assignments), 9), (String(bytes), 12),
            ]
            print(cells.map { String(repeating: " ", count: max(1, $1 - $0.count)) + $0 }.joined())
            fflush(nil)
            // What a swarm costs once, whoever is in it, is much for few.
            holds = holds && rate >= leastRate && (bytes <= mostBytes || count < 1000)
        }
        print(
            "limits: at least \(leastRate) assignments/s, at most \(mostBytes) bytes/peer: \(holds ? "held" : "BROKEN")"
        )
        if !holds { throw ExitCode(1) }
    }
}
