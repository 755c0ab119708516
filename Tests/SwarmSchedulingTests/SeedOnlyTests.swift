import Content
import Testing

@testable import SwarmScheduling

@Suite("Children that only the seed may serve")
struct SeedOnlyTests {
    @Test("get from a seed of another site what their own site has already")
    func acrossSites() {
        var swarm = Swarm(pieces: 2, holding: [[0, 1], []], hasSeed: false)
        let there = PeerLabels(site: "there")
        swarm.scheduler.join(
            swarm.ids[0],
            as: .seed,
            holding: PieceSet(all: 2),
            labels: PeerLabels(site: "here")
        )
        swarm.scheduler.join(swarm.ids[1], as: .peer, holding: [0, 1], labels: there)
        swarm.scheduler.join(swarm.ids[2], as: .peer, labels: there)
        swarm.scheduler.restrict(swarm.ids[2], .seedOnly)
        swarm.wants(2, 2)
        let assignments = swarm.schedule().assignments
        #expect(assignments.map(\.parent) == [swarm.ids[0], swarm.ids[0]])
    }
}
