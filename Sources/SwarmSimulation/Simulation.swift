import Content
import NodeConfig
import SwarmScheduling

/// One scenario under a virtual clock: the supernode's very scheduler, peers that behave as ours do, and links.
///
/// Everything follows from the scenario and its seed. Hosts, transfers and calls are places in arrays; host 0 is the
/// supernode.
package struct Simulation: Sendable {
    package let scenario: Scenario
    let hostCount: Int
    let taskCount: Int
    let pieceCounts: [Int]

    var now: Int64 = 0
    var events = EventQueue()
    var network: Network
    var cores: Processors
    /// One lock for each task: who decides there decides alone.
    var locks: [Processors]
    var schedulers: [SwarmScheduler]
    /// Chance at the scheduler, and in the world.
    var decisions: SplitMix64
    var world: SplitMix64
    /// The scheduler's clock starts anywhere: only differences matter.
    let epoch = ContinuousClock.now

    var hosts: [SimulatedHost] = []
    /// Task by task, host by host.
    var members: [SimulatedMember] = []
    var transfers: [SimulatedTransfer] = []
    var vacantTransfers: [Int32] = []
    var serials: UInt32 = 0
    var calls: [SimulatedCall] = []
    var vacantCalls: [Int32] = []
    var answers: [SimulatedAnswer] = []
    var vacantAnswers: [Int32] = []

    /// Hosts of which something has changed: what they send, and what they receive.
    var touchedReceivers: [Int32] = []
    var concerned: [Int32] = []
    /// Peers that are to finish and have not.
    var unfinished = 0
    var tally = Tally()

    /// What is counted on the way.
    struct Tally: Sendable {
        var assignments = 0
        var cancellations = 0
        var calls = 0
        var failures = 0
        var supernodeBytes = 0.0
        var originBytes = 0.0
        var crossBytes = 0.0
        var events = 0
        /// Real time spent in the scheduler.
        var deciding = Duration.zero
    }

    /// A scenario without variants; see ``Scenario/runs``.
    package init(_ scenario: Scenario) {
        self.scenario = scenario
        hostCount = scenario.peers.count + 1
        taskCount = scenario.tasks.count
        pieceCounts = scenario.tasks.map(\.pieceCount)
        network = Network(
            zones: scenario.network.zones,
            crossRate: scenario.network.crossRate.bytesPerSecond.map(Double.init)
        )
        cores = Processors(cores: scenario.supernode.cores)
        locks = Array(repeating: Processors(cores: 1), count: taskCount)
        schedulers = Array(repeating: SwarmScheduler(scenario.scheduler.configuration), count: taskCount)
        var generator = SplitMix64(seed: UInt64(scenario.seed))
        decisions = SplitMix64(seed: generator.next())
        world = SplitMix64(seed: generator.next())
        addHosts()
    }

    private mutating func addHosts() {
        let peers = scenario.peers
        let up = Double(peers.up.bytesPerSecond ?? 1)
        let down = Double(peers.down.bytesPerSecond ?? 1)
        let supernodeRate = Double(scenario.supernode.up.bytesPerSecond ?? 1)
        network.addHost(up: supernodeRate, down: supernodeRate)
        hosts.append(SimulatedHost(id: Self.identity(0)))
        var kinds = Array(0..<peers.count)
        kinds.shuffle(using: &world)
        let slow = Int((Double(peers.count) * peers.slow).rounded())
        let corrupt = slow + Int((Double(peers.count) * peers.corrupt).rounded())
        let dying = corrupt + Int((Double(peers.count) * peers.dying).rounded())
        for index in 1...peers.count {
            var host = SimulatedHost(id: Self.identity(index))
            let kind = kinds[index - 1]
            host.isSlow = kind < slow
            host.isCorrupt = kind >= slow && kind < corrupt
            host.isDying = kind >= corrupt && kind < dying
            host.tasksLeft = taskCount
            hosts.append(host)
            let factor = host.isSlow ? 0.1 : 1
            network.addHost(up: up * factor, down: down * factor, zone: (index - 1) % scenario.network.zones)
        }
        for task in 0..<taskCount {
            let words = (pieceCounts[task] + 63) / 64
            let member = SimulatedMember(held: Array(repeating: 0, count: words))
            members.append(contentsOf: repeatElement(member, count: hostCount))
        }
    }

    /// A host's place is in its identity.
    static func identity(_ host: Int) -> PeerID {
        var bytes = [UInt8](repeating: 0, count: PeerID.byteCount)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: host >> (8 * index)) }
        return PeerID(bytes: bytes) ?? PeerID()
    }

    static func host(_ id: PeerID) -> Int32 {
        let bytes = id.bytes
        return Int32(bytes[0]) | Int32(bytes[1]) << 8 | Int32(bytes[2]) << 16 | Int32(bytes[3]) << 24
    }

    func member(_ host: Int, _ task: Int) -> Int { task * hostCount + host }

    var instant: SchedulerInstant { epoch + .nanoseconds(now) }

    /// One way, in nanoseconds.
    func latency(_ host: Int, _ other: Int) -> Int64 {
        let crossing = network.hosts[host].zone != network.hosts[other].zone
        return scenario.network.latency.inNanoseconds + (crossing ? scenario.network.crossLatency.inNanoseconds : 0)
    }
}
