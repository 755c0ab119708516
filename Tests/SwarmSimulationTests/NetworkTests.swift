import Testing

@testable import SwarmSimulation

@Suite("Links")
struct NetworkTests {
    private let second: Int64 = 1_000_000_000

    /// Three hosts that send and receive 100 bytes a second.
    private func network() -> Network {
        var network = Network()
        for _ in 0..<3 { network.addHost(up: 100, down: 100) }
        return network
    }

    @Test("two flows share a link, and one has it alone again when the other ends")
    func sharing() {
        var network = network()
        let first = network.begin(from: 0, to: 1, bytes: 200, owner: 7, at: 0)
        #expect(network.flows[first].rate == 100)
        let other = network.begin(from: 0, to: 2, bytes: 200, owner: 8, at: second)
        #expect(network.flows[first].rate == 50 && network.flows[other].rate == 50)
        #expect(network.flows[first].remaining == 100)
        #expect(network.end(other, at: 2 * second) == 150)
        #expect(network.flows[first].rate == 100 && network.flows[first].remaining == 50)
        #expect(network.incomingRate(2) == 0 && network.outgoingRate(0) == 100)
    }

    @Test("a flow has the smaller of its two shares, and what it leaves unused stays so")
    func smaller() {
        var network = network()
        let first = network.begin(from: 0, to: 2, bytes: 100, owner: 0, at: 0)
        let second = network.begin(from: 1, to: 2, bytes: 100, owner: 1, at: 0)
        let third = network.begin(from: 0, to: 1, bytes: 100, owner: 2, at: 0)
        #expect([first, second, third].map { network.flows[$0].rate } == [50, 50, 50])
        network.end(second, at: 0)
        // It is still held to half of its sender's link.
        #expect(network.flows[first].rate == 50)
    }

    @Test("only flows with a new rate are handed over, once")
    func changed() {
        var network = network()
        let first = network.begin(from: 0, to: 1, bytes: 100, owner: 0, at: 0)
        var seen: [Int] = []
        network.takeChanged { number, _ in seen.append(number) }
        #expect(seen == [first])
        seen = []
        network.takeChanged { number, _ in seen.append(number) }
        #expect(seen.isEmpty)
    }

    @Test("all flows between two zones share what lies between them")
    func zones() {
        var network = Network(zones: 2, crossRate: 30)
        for zone in [0, 0, 1, 1] { network.addHost(up: 100, down: 100, zone: zone) }
        let first = network.begin(from: 0, to: 2, bytes: 100, owner: 0, at: 0)
        let second = network.begin(from: 1, to: 3, bytes: 100, owner: 1, at: 0)
        let within = network.begin(from: 2, to: 3, bytes: 100, owner: 2, at: 0)
        #expect(network.flows[first].rate == 15 && network.flows[second].rate == 15)
        #expect(network.flows[within].rate == 50)
        network.end(first, at: 0)
        #expect(network.flows[second].rate == 30)
    }
}

extension Network {
    /// What a host receives, in bytes per second.
    fileprivate func incomingRate(_ host: Int) -> Double {
        var sum = 0.0
        for flow in hosts[host].downloads { sum += flows[Int(flow)].rate }
        return sum
    }

    /// What a host sends, in bytes per second.
    fileprivate func outgoingRate(_ host: Int) -> Double {
        var sum = 0.0
        for flow in hosts[host].uploads { sum += flows[Int(flow)].rate }
        return sum
    }
}
