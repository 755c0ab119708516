import Content
import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("Parents that are blocked")
struct BlockTests {
    @Test("a blocked holder is never assigned and never an alternate")
    func never() {
        var swarm = Swarm(pieces: 40, holding: [PieceSet(all: 40), PieceSet(all: 40), []])
        swarm.block(1)
        var parents: Set<PeerID> = []
        for _ in 0..<40 {
            swarm.wants(3, 1)
            for assignment in swarm.schedule().assignments {
                parents.formUnion([assignment.parent] + assignment.alternates)
                swarm.finished(assignment)
            }
        }
        #expect(parents == [swarm.ids[0], swarm.ids[2]])
    }

    @Test("what is under way from it is taken back and comes from elsewhere")
    func moves() {
        var swarm = Swarm(pieces: 1, holding: [[0], [0], [], []], hasSeed: false)
        swarm.wants(3, 1)
        swarm.wants(4, 1)
        let before = swarm.schedule().assignments
        #expect(before.count == 2)
        for holder in 1...2 {
            let moved = swarm.moved(by: holder, from: before)
            #expect(moved.cancelled == moved.expected)
            #expect(moved.parents == (moved.expected.isEmpty ? [] : [holder == 1 ? 2 : 1]))
        }
    }

    @Test("where only it holds a piece, the seed gives that once more")
    func seedRepeats() {
        var swarm = Swarm(pieces: 1, holding: [[0], []])
        swarm.block(1)
        swarm.wants(2, 1)
        #expect(swarm.schedule().assignments.map(\.parent) == [swarm.ids[0]])
    }

    @Test("it still gets what it wants")
    func fetches() {
        var swarm = Swarm(pieces: 4, holding: [[], PieceSet(all: 4)])
        swarm.block(1)
        swarm.wants(1, 2)
        #expect(swarm.schedule().assignments.count == 2)
    }

    @Test("unblocked it is used at once")
    func unblock() {
        var swarm = Swarm(pieces: 2, holding: [PieceSet(all: 2), []], hasSeed: false)
        swarm.block(1)
        swarm.wants(2, 2)
        #expect(swarm.schedule().assignments.isEmpty)
        #expect(swarm.standing(of: 1)?.state == .blocked)
        swarm.block(1, false)
        #expect(swarm.schedule().assignments.count == 2)
        #expect(swarm.standing(of: 1) == nil)
    }

    @Test("a quarantine goes on below a block, in whatever order they end")
    func quarantined() {
        for isUnblockedFirst in [true, false] {
            var swarm = Swarm(pieces: 1, holding: [[0], [], [], []], hasSeed: false)
            swarm.block(1)
            for child in 2...3 { swarm.failed(0, by: child, from: 1, .refused) }
            swarm.wants(4, 1)
            #expect(swarm.standing(of: 1)?.state == .blocked)
            if isUnblockedFirst {
                swarm.block(1, false)
                #expect(swarm.standing(of: 1)?.state == .quarantined)
            } else {
                swarm.now += .milliseconds(500)
            }
            #expect(swarm.schedule().assignments.isEmpty)
            if isUnblockedFirst { swarm.now += .milliseconds(500) } else { swarm.block(1, false) }
            #expect(swarm.schedule().assignments.count == 1)
            #expect(swarm.standing(of: 1)?.state == .probation)
        }
    }

    @Test("others of its site get elsewhere what only it holds there")
    func site() {
        var swarm = Swarm(pieces: 1, holding: [])
        var generator = SeededGenerator(3)
        let ids = makePeers(3, using: &generator)
        let here = PeerLabels(site: "here")
        swarm.scheduler.join(ids[0], as: .peer, holding: [0], labels: here)
        swarm.scheduler.join(ids[1], as: .peer, labels: here)
        swarm.scheduler.join(ids[2], as: .peer, holding: [0], labels: PeerLabels(site: "there"))
        swarm.scheduler.block(ids[0], true)
        swarm.scheduler.wants(ids[1], 1)
        #expect(swarm.schedule().assignments.map(\.parent) == [ids[2]])
    }

    @Test("a seed is not blocked, nor somebody unknown")
    func others() {
        var swarm = Swarm(pieces: 1, holding: [[]])
        swarm.block(0)
        swarm.scheduler.block(PeerID(), true)
        swarm.wants(1, 1)
        #expect(swarm.schedule().assignments.count == 1)
        #expect(swarm.scheduler.standings(at: swarm.now).isEmpty)
    }
}

extension Swarm {
    /// Blocks a holder for a moment: what is taken back, what of `before` should be, and whom it then comes from.
    fileprivate mutating func moved(
        by holder: Int,
        from before: [Assignment]
    ) -> (cancelled: Set<PeerID>, expected: Set<PeerID>, parents: Set<Int>) {
        var copy = self
        copy.block(holder)
        let output = copy.schedule()
        let parents = Set(output.assignments.compactMap { copy.ids.firstIndex(of: $0.parent) })
        let expected = before.filter { $0.parent == ids[holder] }.map(\.peer)
        return (Set(output.cancellations.map(\.peer)), Set(expected), parents)
    }
}
