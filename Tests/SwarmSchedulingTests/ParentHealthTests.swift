import Content
import Testing

@testable import SwarmScheduling

@Suite("Parents that fail")
struct ParentHealthTests {
    @Test("a failed piece comes from elsewhere at once", arguments: FailureReason.allCases)
    func elsewhere(reason: FailureReason) {
        var swarm = Swarm(pieces: 1, holding: [[0], [0], []], hasSeed: false)
        swarm.wants(3, 1)
        guard let first = swarm.schedule().assignments.first else {
            Issue.record("nothing was assigned")
            return
        }
        swarm.scheduler.failed(first.piece, by: first.peer, from: first.parent, reason: reason, at: swarm.now)
        swarm.wants(3, 1)
        let second = swarm.schedule().assignments
        #expect(second.count == 1 && second.first?.parent != first.parent)
    }

    @Test("the only holder is tried again after a growing interval, never later than the longest")
    func backoff() {
        var swarm = Swarm(pieces: 1, holding: [[]])
        var waits: [Duration] = []
        for _ in 0..<12 {
            swarm.wants(1, 1)
            let begin = swarm.now
            while swarm.schedule().assignments.isEmpty {
                guard let deadline = swarm.scheduler.nextDeadline, deadline > swarm.now else {
                    Issue.record("nobody is called to look again")
                    return
                }
                swarm.now = deadline
            }
            waits.append(swarm.now - begin)
            swarm.failed(0, by: 1, from: 0, .refused)
        }
        #expect(waits[0] == .zero && waits[1] == .seconds(2) && waits[2] == .seconds(4))
        #expect(waits.allSatisfy { $0 <= .seconds(240) } && waits == waits.sorted())
    }

    @Test("complaints without end take no memory without end")
    func endlessComplaints() {
        var swarm = Swarm(pieces: 4, holding: [PieceSet(all: 4), []])
        for _ in 0..<200 {
            for _ in 0..<50 { swarm.failed(1, by: 2, from: 1, .refused) }
            swarm.now = swarm.now.advanced(by: .milliseconds(1))
            _ = swarm.schedule()
        }
        #expect(swarm.scheduler.alarms.count < 200)
    }

    @Test("what was under way together fails as one", arguments: FailureReason.allCases)
    func burst(reason: FailureReason) {
        guard reason.isParentsFault else { return }
        var swarm = Swarm(pieces: 8, holding: [[]])
        swarm.wants(1, 7)
        let under = swarm.schedule().assignments.map(\.piece)
        #expect(under.count == 7)
        for piece in under { swarm.failed(piece.value, by: 1, from: 0, reason) }
        swarm.wants(1, 8)
        let first = reason == .wrongBytes ? Duration.seconds(10) : .milliseconds(500)
        swarm.now += first / 2
        #expect(swarm.schedule().assignments.isEmpty)
        swarm.now += first / 2
        #expect(swarm.schedule().assignments.count == 1)
        swarm.now += first * 3
        #expect(Set(swarm.schedule().assignments.map(\.piece)) == Set(under))
    }

    /// Peer 1 holds all; the others hold nothing, and there is no seed.
    private func oneParent(children: Int) -> Swarm {
        // Nothing is called slow here.
        var configuration = SchedulerConfiguration.roomy
        configuration.firstPatience = .seconds(3600)
        return Swarm(
            pieces: 8,
            holding: [PieceSet(all: 8)] + Array(repeating: [], count: children),
            configuration: configuration,
            hasSeed: false
        )
    }

    @Test("one liar does not take a parent from the others", arguments: FailureReason.allCases)
    func liar(reason: FailureReason) {
        var swarm = oneParent(children: 2)
        for piece in 0..<8 { swarm.failed(piece, by: 2, from: 1, reason) }
        swarm.wants(2, 1)
        swarm.wants(3, 1)
        #expect(swarm.schedule().assignments.map(\.peer) == [swarm.ids[3]])
    }

    @Test("several distinct children together are believed, and after its rest the parent is on probation")
    func quarantine() {
        var swarm = oneParent(children: 4)
        for child in 2...3 { swarm.failed(0, by: child, from: 1, .wrongBytes) }
        swarm.wants(5, 1)
        #expect(swarm.schedule().assignments.count == 1)
        swarm.failed(0, by: 4, from: 1, .wrongBytes)
        swarm.wants(5, 3)
        #expect(swarm.schedule().assignments.isEmpty)
        swarm.now += .seconds(10)
        #expect(swarm.schedule().assignments.isEmpty, "its line is not empty yet, and one at a time is all it gets")
        swarm.scheduler.reconcile(swarm.ids[5], outstanding: [])
        swarm.wants(5, 3)
        let trial = swarm.schedule().assignments
        #expect(trial.count == 1)
        for assignment in trial { swarm.finished(assignment) }
        #expect(swarm.schedule().assignments.count == 2)
    }

    @Test("another generation is nobody's fault, nor is the parent's what the child can not take")
    func nobodysFault() {
        for reason in [FailureReason.generation, .local] {
            var swarm = oneParent(children: 5)
            for child in 2...5 { swarm.failed(0, by: child, from: 1, reason) }
            swarm.wants(6, 4)
            let output = swarm.schedule()
            #expect(output.assignments.count == 4)
            #expect(output.complaints.isEmpty && swarm.standing(of: 1) == nil)
        }
    }
}
