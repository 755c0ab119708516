import Content
import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("Pieces that never come")
struct EmptyPromiseTests {
    /// What a peer does instead of fetching.
    enum Fault: CaseIterable {
        /// It says that everything is under way to it already.
        case claimsAll
        /// It takes what it is given, and finishes nothing.
        case isStuck
        /// The same, but it says of each piece that it will be there soon.
        case isAlwaysEnding
        /// It forgets what it is given, and takes it again.
        case forgets
        /// It can not keep what it gets.
        case failsItself
    }

    @Test("one peer that gets nothing keeps nobody of its zone waiting", arguments: Fault.allCases)
    func zone(fault: Fault) {
        let rounds = rounds(with: fault, from: PeerLabels(site: "there"))
        #expect(rounds <= 80)
    }

    @Test("nor does it keep the seed from giving the others what they lack", arguments: Fault.allCases)
    func swarm(fault: Fault) {
        let rounds = rounds(with: fault, from: PeerLabels())
        #expect(rounds <= 80)
    }

    /// How many rounds of 100 ms, in each of which a piece comes, pass until five good peers have 40 pieces.
    private func rounds(with fault: Fault, from labels: PeerLabels) -> Int {
        let pieces = 40
        var swarm = Swarm(pieces: pieces, holding: Array(repeating: [], count: 6), hasSeed: false)
        swarm.scheduler.join(swarm.ids[0], as: .seed, holding: PieceSet(all: pieces), labels: labels)
        for id in swarm.ids.dropFirst() { swarm.scheduler.join(id, as: .peer, labels: PeerLabels(site: "here")) }
        let bad = swarm.ids[6]
        if fault == .claimsAll { swarm.scheduler.reconcile(bad, outstanding: PieceSet(all: pieces)) }
        for good in 1...5 { swarm.wants(good, 2) }
        var rounds = 0
        var got = 0
        var underWay = swarm.schedule().assignments
        swarm.wants(6, 16)
        while got < 5 * pieces, rounds < 2000 {
            rounds += 1
            swarm.now += .milliseconds(100)
            for assignment in underWay where assignment.peer != bad {
                got += 1
                swarm.finished(assignment)
                swarm.scheduler.wants(assignment.peer, 2)
            }
            swarm.misbehave(fault, bad, underWay.filter { $0.peer == bad })
            underWay = swarm.schedule().assignments
        }
        return rounds
    }
}

extension Swarm {
    fileprivate mutating func misbehave(_ fault: EmptyPromiseTests.Fault, _ peer: PeerID, _ given: [Assignment]) {
        switch fault {
        case .claimsAll: scheduler.reconcile(peer, outstanding: PieceSet(all: scheduler.pieceCount))
        case .isStuck: break
        case .isAlwaysEnding: for assignment in given { scheduler.ending(assignment.piece, by: peer) }
        case .forgets: scheduler.reconcile(peer, outstanding: [])
        case .failsItself:
            for assignment in given {
                scheduler.failed(assignment.piece, by: peer, from: assignment.parent, reason: .local, at: now)
            }
        }
        scheduler.wants(peer, 16)
    }
}
