import Content
import NodeConfig
import SwarmScheduling

extension Simulation {
    /// Lets time pass until every peer that is to finish has finished, or nothing comes of it any more.
    package mutating func run() -> SimulationResult {
        start()
        let end = Int64(min(1e18, deadline * 1e9))
        while unfinished > 0, let event = events.next(), event.time <= end {
            now = event.time
            tally.events += 1
            handle(event)
            settleTouched()
        }
        return result()
    }

    /// Nobody waits for longer than this, in seconds.
    private var deadline: Double {
        60 + 20 * bound.seconds + scenario.peers.arriveOver.seconds
    }

    private mutating func start() {
        let peers = scenario.peers
        for task in 0..<taskCount {
            schedulers[task].learn(pieceCount: pieceCounts[task])
            let holdsAll = scenario.supernode.originRate.bytesPerSecond == nil
            schedulers[task].join(
                hosts[0].id,
                as: .seed,
                holding: holdsAll ? PieceSet(all: pieceCounts[task]) : [],
                labels: label(0)
            )
            if holdsAll {
                for piece in 0..<pieceCounts[task] { members[member(0, task)].hold(piece) }
                tally.originBytes += Double(scenario.tasks[task].size.bytes)
            } else {
                planOrigin(task)
            }
        }
        let gap = peers.arriveOver.inNanoseconds / Int64(max(1, peers.count - 1))
        for host in 1..<hostCount { events.plan(.join, at: gap * Int64(host - 1), host) }
        let from = peers.dieFrom.inNanoseconds
        for host in 1..<hostCount where hosts[host].isDying {
            events.plan(.death, at: Int64.random(in: from...peers.dieUntil.inNanoseconds, using: &world), host)
        }
        unfinished = hosts.dropFirst().count { !$0.isDying }
        events.plan(.tick, at: Self.tickInterval, 0)
    }

    private static let tickInterval: Int64 = 250_000_000

    private func label(_ host: Int) -> PeerLabels {
        PeerLabels(site: scenario.network.zones > 1 ? "zone-\(network.hosts[host].zone)" : nil)
    }

    /// The supernode gets its pieces in order, all tasks at once.
    private mutating func planOrigin(_ task: Int) {
        let piece = members[member(0, task)].heldCount
        guard piece < pieceCounts[task], let rate = scenario.supernode.originRate.bytesPerSecond else { return }
        let seconds = scenario.tasks[task].bytes(of: piece) * Double(taskCount) / Double(rate)
        events.plan(.origin, at: now + Int64(seconds * 1e9), task)
    }

    private mutating func handle(_ event: Event) {
        let subject = Int(event.subject)
        switch event.kind {
        case .join: join(subject)
        case .death: die(subject)
        case .forget: forget(subject)
        case .origin:
            let piece = members[member(0, subject)].heldCount
            members[member(0, subject)].hold(piece)
            tally.originBytes += scenario.tasks[subject].bytes(of: piece)
            schedulers[subject].finished(PieceIndex(piece), by: hosts[0].id, from: nil)
            decide(subject)
            planOrigin(subject)
        case .call: callArrives(subject)
        case .apply: apply(subject)
        case .answer: answerArrives(subject)
        case .tick:
            for task in 0..<taskCount { decide(task) }
            events.plan(.tick, at: now + Self.tickInterval, 0)
        case .late:
            if transfers[subject].serial == event.version { late(subject) }
        case .request, .nearEnd, .sent, .arrived, .refused, .stalled:
            guard transfers[subject].version == event.version else { return }
            handleTransfer(subject, event.kind)
        }
    }

    private mutating func join(_ host: Int) {
        hosts[host].hasJoined = true
        hosts[host].joinedAt = now
        for task in 0..<taskCount { schedulers[task].join(hosts[host].id, as: .peer, holding: [], labels: label(host)) }
        hosts[host].hasNews = true
        call(host)
    }

    /// A host falls silent, or is killed.
    private mutating func die(_ host: Int) {
        guard hosts[host].isAlive, hosts[host].hasJoined else { return }
        hosts[host].isAlive = false
        events.plan(.forget, at: now + scenario.supernode.gap.inNanoseconds, host)
        for task in 0..<taskCount {
            let place = member(host, task)
            // What was on its way to it; assignments that are still to come find nobody.
            let known = members[place].transfers.filter { transfers[Int($0)].isKnownToChild }
            for transfer in known { abandon(Int(transfer)) }
            // What it was sending, and what waits in line there.
            members[place].line.removeAll()
            members[place].sending = 0
        }
        for index in transfers.indices where transfers[index].isKnownToChild && transfers[index].parent == host {
            let phase = transfers[index].phase
            guard phase == .active || phase == .inLine, hosts[Int(transfers[index].child)].isAlive else { continue }
            if phase == .active { network.end(Int(transfers[index].flow), at: now) }
            hang(index)
        }
    }

    private mutating func forget(_ host: Int) {
        for transfer in hosts[host].pending { free(Int(transfer)) }
        hosts[host].pending.removeAll()
        for task in 0..<taskCount {
            schedulers[task].leave(hosts[host].id)
            decide(task)
        }
    }
}
