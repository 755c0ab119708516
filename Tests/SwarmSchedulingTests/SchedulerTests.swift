import Content
import Testing

@testable import SwarmScheduling

@Suite("Scheduler")
struct SchedulerTests {
    @Test("a lone peer is kept saturated from the seed, in order")
    func alone() {
        var swarm = Swarm(pieces: 40, holding: [[]])
        swarm.wants(1, 16)
        var underWay = swarm.schedule().assignments
        #expect(underWay.map(\.piece.value) == Array(0..<16))
        var total = underWay.count
        while !underWay.isEmpty {
            swarm.finished(underWay.removeFirst())
            swarm.wants(1, 1)
            let more = swarm.schedule().assignments
            #expect(more.count == (total < 40 ? 1 : 0))
            total += more.count
            underWay += more
        }
        #expect(total == 40)
    }

    @Test("many peers together get each piece from the seed once before it repeats any")
    func injection() {
        var swarm = Swarm(pieces: 12, holding: Array(repeating: [], count: 6))
        for peer in 1...6 { swarm.wants(peer, 12) }
        var injected: Set<PieceIndex> = []
        var isFirst = true
        while injected.count < 12 {
            let given = swarm.schedule().assignments.filter { $0.parent == swarm.ids[0] }
            #expect(!given.isEmpty)
            if given.isEmpty { return }
            // As long a line as at the start, to as many peers.
            if isFirst { #expect(Set(given.map(\.peer)).count == 4 && given.count == 4) }
            isFirst = false
            for assignment in given {
                #expect(injected.insert(assignment.piece).inserted)
                swarm.finished(assignment)
            }
        }
        #expect(injected.count == 12)
    }

    @Test("the poorest goes first, and gets the rarest piece")
    func order() {
        // Of pieces 3 and 4 there is one copy each, of the others there are three.
        var configuration = SchedulerConfiguration()
        configuration.peerSlots = 1
        var swarm = Swarm(
            pieces: 10,
            holding: [[0, 1, 2, 3], [0, 1, 2], [0, 1, 2, 4], []],
            configuration: configuration,
            hasSeed: false
        )
        swarm.wants(3, 1)
        swarm.wants(4, 1)
        let assignments = swarm.schedule().assignments
        #expect(assignments.first?.peer == swarm.ids[4])
        #expect(assignments.first.map { [3, 4].contains($0.piece.value) } == true)
    }

    @Test("a peer that has just got a piece serves it, and children that waited for it get it")
    func cutThrough() {
        var configuration = SchedulerConfiguration()
        configuration.seedStart = 1
        configuration.seedSlots = 1
        configuration.seedRepeatLine = 1
        var swarm = Swarm(pieces: 1, holding: [[], []], configuration: configuration)
        swarm.wants(1, 2)
        swarm.wants(2, 2)
        let first = swarm.schedule().assignments
        #expect(first.count == 1)
        swarm.finished(first[0])
        let second = swarm.schedule().assignments
        #expect(second.count == 1)
        #expect(second.first?.parent == first.first?.peer)
        #expect(second.first?.alternates == [swarm.ids[0]])
    }

    @Test("what the seed fetches makes pieces known while the length is not")
    func growing() {
        var swarm = Swarm(pieces: 0, holding: [[]])
        swarm.wants(1, 8)
        #expect(swarm.schedule().isEmpty)
        for piece in 0..<3 {
            swarm.scheduler.finished(PieceIndex(piece), by: swarm.ids[0])
            #expect(swarm.schedule().assignments.map(\.piece.value) == [piece])
        }
        #expect(swarm.scheduler.pieceCount == 3)
    }

    @Test("a peer's word makes no pieces")
    func hostileNumbers() {
        var swarm = Swarm(pieces: 4, holding: [[3, 1000]])
        let peer = swarm.ids[1]
        swarm.scheduler.finished(PieceIndex(2_000_000_000), by: peer)
        swarm.scheduler.reconcile(peer, outstanding: [5, 900])
        swarm.scheduler.reader(peer, at: PieceIndex(2_000_000_000))
        swarm.failed(70000, by: 1, from: 0, .refused)
        swarm.wants(1, .max)
        #expect(swarm.schedule().assignments.count == 3)
        #expect(swarm.scheduler.pieceCount == 4)
    }

    @Test("pieces just ahead of a reader go first", arguments: 0..<8)
    func reader(seed: Int) {
        var swarm = Swarm(pieces: 100, holding: [[], [], PieceSet(all: 60)], seed: seed)
        swarm.scheduler.reader(swarm.ids[1], at: PieceIndex(50))
        swarm.wants(1, 6)
        let pieces = swarm.schedule().assignments.map(\.piece.value)
        #expect(Array(pieces.prefix(4)) == [50, 51, 52, 53])
        #expect(pieces.count == 6)
    }

    @Test("whoever is restricted to the seed gets nothing from peers")
    func seedOnly() {
        var swarm = Swarm(pieces: 3, holding: [PieceSet(all: 3), []])
        swarm.scheduler.restrict(swarm.ids[2], .seedOnly)
        swarm.wants(2, 3)
        let assignments = swarm.schedule().assignments
        #expect(assignments.count == 3)
        #expect(assignments.allSatisfy { $0.parent == swarm.ids[0] && $0.alternates.isEmpty })
    }

    @Test("what there is at a site comes from there")
    func site() {
        var near = 0
        for seed in 0..<40 {
            var swarm = Swarm(pieces: 1, holding: [[]], hasSeed: false, seed: seed)
            let generated = (0..<4).map { _ in PeerID() }
            for (number, id) in generated.enumerated() {
                let labels = PeerLabels(site: number < 2 ? "here" : "there")
                swarm.scheduler.join(id, as: .peer, holding: [0], labels: labels)
            }
            swarm.scheduler.join(swarm.ids[1], as: .peer, labels: PeerLabels(site: "here"))
            swarm.wants(1, 1)
            let parent = swarm.schedule().assignments.first?.parent
            if parent == generated[0] || parent == generated[1] { near += 1 }
        }
        #expect(near == 40)
    }

    @Test("a lost answer is handed out again, and what a peer already fetches is not")
    func reconcile() {
        var swarm = Swarm(pieces: 6, holding: [[]])
        swarm.wants(1, 3)
        #expect(swarm.schedule().assignments.map(\.piece.value) == [0, 1, 2])
        swarm.scheduler.reconcile(swarm.ids[1], outstanding: [1, 4])
        swarm.wants(1, 10)
        #expect(swarm.schedule().assignments.map(\.piece.value) == [0, 2, 3, 5])
        swarm.scheduler.reconcile(swarm.ids[1], outstanding: [0, 1, 2, 3, 5])
        #expect(swarm.schedule().assignments.map(\.piece.value) == [4])
    }

    @Test("what a peer has lost it no longer serves, and can get again")
    func lost() {
        var swarm = Swarm(pieces: 2, holding: [[0, 1], [0]], hasSeed: false)
        swarm.scheduler.lost(PieceIndex(0), by: swarm.ids[1])
        swarm.wants(1, 2)
        swarm.wants(2, 2)
        let assignments = swarm.schedule().assignments
        #expect(assignments.map(\.piece.value).sorted() == [0, 1])
        #expect(assignments.allSatisfy { ($0.parent == swarm.ids[1]) == ($0.piece.value == 1) })
    }

    @Test("when a parent leaves, its children are told and get the pieces elsewhere")
    func parentLeaves() {
        var swarm = Swarm(pieces: 4, holding: [PieceSet(all: 4), []], hasSeed: false)
        swarm.wants(2, 4)
        #expect(swarm.schedule().assignments.count == 4)
        swarm.scheduler.leave(swarm.ids[1])
        #expect(swarm.schedule().cancellations.count == 4)
        swarm.scheduler.join(swarm.ids[0], as: .seed, holding: PieceSet(all: 4))
        let again = swarm.schedule()
        #expect(again.assignments.count == 4 && again.cancellations.isEmpty)
        #expect(again.assignments.allSatisfy { $0.parent == swarm.ids[0] })
        swarm.scheduler.leave(swarm.ids[2])
        #expect(swarm.schedule().isEmpty && swarm.scheduler.peerCount == 1)
    }
}
