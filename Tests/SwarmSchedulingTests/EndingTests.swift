import Content
import Testing

@testable import SwarmScheduling

@Suite("Transfers near their end")
struct EndingTests {
    @Test("a parent is given its next child before the body has ended")
    func ending() {
        var configuration = SchedulerConfiguration()
        configuration.peerSlots = 1
        var swarm = Swarm(pieces: 1, holding: [[0], [], []], configuration: configuration, hasSeed: false)
        swarm.wants(2, 1)
        swarm.wants(3, 1)
        let first = swarm.schedule().assignments
        #expect(first.count == 1)
        guard let transfer = first.first else { return }
        swarm.scheduler.ending(transfer.piece, by: transfer.peer)
        let next = swarm.schedule().assignments
        #expect(next.count == 1)
        #expect(next.first?.parent == swarm.ids[1] && next.first?.peer != transfer.peer)
        // Told twice it counts once, and its end frees nothing more.
        swarm.scheduler.ending(transfer.piece, by: transfer.peer)
        swarm.finished(transfer)
        #expect(swarm.scheduler.peers[1].line.count == 1 || swarm.scheduler.peers[0].line.count == 1)
        #expect(swarm.scheduler.peers.allSatisfy { $0.discounted == 0 })
    }
}
