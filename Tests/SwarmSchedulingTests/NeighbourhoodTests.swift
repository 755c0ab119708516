import Content
import Testing

@testable import SwarmScheduling

@Suite("Near parents first")
struct NeighbourhoodTests {
    /// A child of host h, rack r and zone z; holders, each further away than the one before.
    static let child = PeerLabels(site: "z", rack: "r", host: "h")
    static let holders = [
        child, PeerLabels(site: "z", rack: "r", host: "other"), PeerLabels(site: "z", rack: "other", host: "h"),
        PeerLabels(site: "other", rack: "r", host: "h"),
    ]

    /// Peer 1 is the child, the others hold the only piece.
    func swarm(_ labels: [PeerLabels], child: PeerLabels = child, seed: Int) -> Swarm {
        var configuration = SchedulerConfiguration.roomy
        configuration.peerSlots = 1
        var swarm = Swarm(
            pieces: 1,
            holding: Array(repeating: [], count: labels.count + 1),
            configuration: configuration,
            hasSeed: false,
            seed: seed
        )
        swarm.scheduler.join(swarm.ids[1], as: .peer, labels: child)
        for (index, label) in labels.enumerated() {
            swarm.scheduler.join(swarm.ids[index + 2], as: .peer, holding: [0], labels: label)
        }
        return swarm
    }

    @Test("its own host, then its rack, then its zone", arguments: 0..<3)
    func nearestFirst(_ nearest: Int) {
        for seed in 0..<20 {
            // The nearest of them in the middle of many that are further away.
            let near = Self.holders[nearest]
            let far = Self.holders[(nearest + 1)...].flatMap { Array(repeating: $0, count: 8) }
            let place = far.count / 2
            var swarm = swarm(far[..<place] + [near] + far[place...], seed: seed)
            swarm.wants(1, 1)
            #expect(swarm.schedule().assignments.map(\.parent) == [swarm.ids[place + 2]])
        }
    }

    @Test("a near holder without a free slot keeps nobody waiting")
    func nearIsBusy() {
        var swarm = swarm([Self.child, Self.holders[2]], seed: 3)
        swarm.scheduler.join(swarm.ids[0], as: .peer, labels: Self.child)
        swarm.wants(0, 1)
        swarm.wants(1, 1)
        let parents = swarm.schedule().assignments.map(\.parent)
        #expect(Set(parents) == [swarm.ids[2], swarm.ids[3]])
    }

    @Test("a rack of another zone with the same name is another rack")
    func sameName() {
        // Within the zone there is a holder; the other one is no neighbour at all.
        for seed in 0..<40 {
            var swarm = swarm([PeerLabels(rack: "r"), PeerLabels(site: "z", rack: "q")], seed: seed)
            swarm.wants(1, 1)
            #expect(swarm.schedule().assignments.map(\.parent) == [swarm.ids[3]])
        }
    }

    @Test("a group is forgotten with its last member, and its number is used again")
    func forgotten() {
        var groups = Neighbourhoods()
        var chance = SplitMix64(seed: 1)
        let first = groups.enter(1, name: "a")
        #expect(groups.enter(2, name: "a") == first)
        let second = groups.enter(3, name: "b")
        #expect(second != first)
        groups.leave(1, group: first)
        #expect(groups.first(in: first, using: &chance) { _ in true } == 2)
        groups.leave(2, group: first)
        #expect(groups.enter(4, name: "c") == first)
        #expect(groups.enter(5, name: "a") != first)
        #expect(groups.first(in: first, using: &chance) { _ in true } == 4)
        #expect(groups.first(in: second, using: &chance) { $0 == 7 } == nil)
    }
}
