import Content
import NodeConfig
import SwarmScheduling

/// The parent's side, and what follows from changed rates.
extension Simulation {
    mutating func requestArrives(_ number: Int) {
        let parent = transfers[number].parent
        let task = Int(transfers[number].task)
        let place = member(parent, task)
        guard hosts[parent].isAlive else {
            hang(number)
            return
        }
        guard members[place].holds(Int(transfers[number].piece)) else {
            transfers[number].note(.gone)
            transfers[number].version &+= 1
            events.plan(
                .refused,
                at: now + latency(parent, Int(transfers[number].child)),
                number,
                version: transfers[number].version
            )
            return
        }
        transfers[number].phase = .inLine
        transfers[number].lined = now
        members[place].line.append(Int32(number))
        serve(parent, task)
    }

    /// The parent is dead: the child learns it at once if the connection breaks, or else by waiting.
    mutating func hang(_ number: Int) {
        transfers[number].phase = .hanging
        transfers[number].version &+= 1
        let peers = scenario.peers
        let delay = peers.killed ? scenario.network.latency : peers.stall
        events.plan(
            peers.killed ? .refused : .stalled,
            at: now + delay.inNanoseconds,
            number,
            version: transfers[number].version
        )
    }

    /// Sends bodies as long as there is a slot, the requests in the order of their arrival.
    mutating func serve(_ parent: Int, _ task: Int) {
        let place = member(parent, task)
        while hasSlot(parent, task), let first = members[place].line.first {
            members[place].line.removeFirst()
            let number = Int(first)
            let child = Int(transfers[number].child)
            transfers[number].phase = .active
            transfers[number].isDiscounted = false
            transfers[number].begun = now
            transfers[number].version &+= 1
            members[place].sending += 1
            transfers[number].flow = Int32(
                network.begin(
                    from: parent,
                    to: child,
                    bytes: scenario.tasks[task].bytes(of: Int(transfers[number].piece)),
                    owner: number,
                    at: now
                )
            )
            touch(number)
        }
    }

    /// Whether one more body may begin.
    private func hasSlot(_ parent: Int, _ task: Int) -> Bool {
        let sending = members[member(parent, task)].sending
        return sending < (parent == 0 ? scenario.supernode.uploadSlots : scenario.peers.uploadSlots)
    }

    mutating func sent(_ number: Int) {
        let parent = transfers[number].parent
        let child = Int(transfers[number].child)
        let task = Int(transfers[number].task)
        let bytes = scenario.tasks[task].bytes(of: Int(transfers[number].piece))
        network.end(Int(transfers[number].flow), at: now)
        touch(number)
        hosts[parent].sent += bytes
        hosts[child].received += bytes
        if parent == 0 { tally.supernodeBytes += bytes }
        if network.hosts[parent].zone != network.hosts[child].zone { tally.crossBytes += bytes }
        members[member(parent, task)].sending -= 1
        transfers[number].ended = now
        transfers[number].phase = .arriving
        transfers[number].version &+= 1
        let hashing = scenario.peers.hashRate.bytesPerSecond.map { bytes / Double($0) * 1e9 } ?? 0
        events.plan(
            .arrived,
            at: now + latency(parent, child) + Int64(hashing),
            number,
            version: transfers[number].version
        )
        serve(parent, task)
    }

    /// Notes that a transfer's rate may have changed.
    mutating func touch(_ number: Int) {
        touchedReceivers.append(transfers[number].child)
    }

    /// Plans the end of flows whose rates have changed, and lets hosts act whose links are filled no longer.
    mutating func settleTouched() {
        guard !touchedReceivers.isEmpty else { return }
        while !touchedReceivers.isEmpty {
            var changed: [Int32] = []
            network.takeChanged { number, flow in
                changed.append(flow.owner)
                touchedReceivers.append(flow.receiver)
            }
            for number in changed { planEnd(Int(number)) }
            if let receiver = touchedReceivers.popLast() {
                for task in 0..<taskCount { wish(Int(receiver), task) }
            }
        }
    }

    /// Plans what is next for a body on its way: that its end is near, or its end.
    mutating func planEnd(_ number: Int) {
        guard transfers[number].phase == .active else { return }
        let flow = network.flows[Int(transfers[number].flow)]
        guard flow.rate > 0 else { return }
        let left = Int64((flow.remaining / flow.rate * 1e9).rounded(.up))
        let lead = scenario.peers.lead.inNanoseconds
        let end = flow.settled + left
        transfers[number].version &+= 1
        if !transfers[number].isDiscounted, lead > 0 {
            if left > lead {
                events.plan(.nearEnd, at: end - lead, number, version: transfers[number].version)
                return
            }
            transfers[number].isDiscounted = true
            noteEnding(number)
            touchedReceivers.append(transfers[number].child)
        }
        events.plan(.sent, at: end, number, version: transfers[number].version)
    }
}
