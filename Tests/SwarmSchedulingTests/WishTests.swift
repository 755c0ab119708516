import Content
import Testing

@testable import SwarmScheduling

/// Peers that want a part of the content only.
@Suite struct WishTests {
    private func pieces(_ output: SchedulerOutput, of peer: PeerID) -> [Int] {
        output.assignments.filter { $0.peer == peer }.map(\.piece.value).sorted()
    }

    @Test("a peer is given what it wants and nothing else, however much room it has")
    func only() {
        var swarm = Swarm(pieces: 130, holding: [[], []])
        swarm.scheduler.wants(swarm.ids[1], only: [3, 64, 129])
        swarm.wants(1, 16)
        let first = swarm.schedule()
        #expect(pieces(first, of: swarm.ids[1]) == [3, 64, 129])
        for assignment in first.assignments { swarm.finished(assignment) }
        swarm.wants(1, 16)
        #expect(swarm.schedule().isEmpty)
    }

    @Test("a wish that grows is fulfilled at once; none at all is a wish for everything")
    func grows() {
        var swarm = Swarm(pieces: 8, holding: [[]])
        swarm.wants(1, 16)
        swarm.scheduler.wants(swarm.ids[1], only: [])
        #expect(swarm.schedule().isEmpty)
        swarm.scheduler.wants(swarm.ids[1], only: [5])
        #expect(pieces(swarm.schedule(), of: swarm.ids[1]) == [5])
        swarm.scheduler.wants(swarm.ids[1], only: [5, 6])
        #expect(pieces(swarm.schedule(), of: swarm.ids[1]) == [6])
        swarm.scheduler.wants(swarm.ids[1], only: nil)
        #expect(pieces(swarm.schedule(), of: swarm.ids[1]) == [0, 1, 2, 3, 4, 7])
    }

    @Test("a wish comes from other peers, too, and a failed piece is given again")
    func fromPeers() {
        var swarm = Swarm(pieces: 8, holding: [PieceSet(all: 8), PieceSet(all: 8), []], hasSeed: false)
        swarm.scheduler.wants(swarm.ids[3], only: [7])
        swarm.wants(3, 4)
        let first = swarm.schedule().assignments
        #expect(first.map(\.piece.value) == [7])
        swarm.scheduler.failed(
            PieceIndex(7),
            by: swarm.ids[3],
            from: first[0].parent,
            reason: .unreachable,
            at: swarm.now
        )
        swarm.wants(3, 4)
        let second = swarm.schedule().assignments
        #expect(second.map(\.piece.value) == [7])
        #expect(second.first?.parent != first[0].parent)
    }

    @Test("whoever joins again wants everything until it says otherwise")
    func joinsAgain() {
        var swarm = Swarm(pieces: 4, holding: [[]])
        swarm.scheduler.wants(swarm.ids[1], only: [1])
        swarm.scheduler.join(swarm.ids[1], as: .peer)
        swarm.wants(1, 16)
        #expect(pieces(swarm.schedule(), of: swarm.ids[1]) == [0, 1, 2, 3])
    }

    @Test("what nobody wants any longer is not looked for elsewhere when it is slow")
    func slow() {
        var swarm = Swarm(pieces: 2, holding: [PieceSet(all: 2), PieceSet(all: 2), []], hasSeed: false)
        swarm.scheduler.wants(swarm.ids[3], only: [1])
        swarm.wants(3, 4)
        #expect(swarm.schedule().assignments.count == 1)
        swarm.scheduler.wants(swarm.ids[3], only: [])
        var cancelled = 0
        for _ in 0..<100 {
            swarm.now = swarm.scheduler.nextDeadline ?? swarm.now + .seconds(10)
            let output = swarm.schedule()
            #expect(output.assignments.isEmpty)
            cancelled += output.cancellations.count
        }
        #expect(cancelled == 1)
    }
}
