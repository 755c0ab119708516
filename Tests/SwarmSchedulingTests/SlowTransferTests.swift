import Content
import Testing

@testable import SwarmScheduling

@Suite("Slow transfers")
struct SlowTransferTests {
    /// One peer that has fetched a few pieces in `usual` each, and then has one under way that does not come.
    private func stuck(usual: Duration, others: [PieceSet], pieces: Int = 40) -> (Swarm, Assignment?) {
        var configuration = SchedulerConfiguration()
        configuration.leastPatience = .milliseconds(1)
        var swarm = Swarm(pieces: pieces, holding: [[]] + others, configuration: configuration, hasSeed: false)
        for _ in 0..<5 {
            swarm.wants(1, 1)
            let assignments = swarm.schedule().assignments
            swarm.now += usual
            for assignment in assignments { swarm.finished(assignment) }
        }
        swarm.wants(1, 1)
        let slow = swarm.schedule().assignments.first
        return (swarm, slow)
    }

    @Test("a transfer ten times slower than usual is given to another parent and cancelled")
    func steal() {
        var (swarm, slow) = stuck(usual: .milliseconds(100), others: [PieceSet(all: 40), PieceSet(all: 40)])
        let begin = swarm.now
        var output = SchedulerOutput()
        while output.isEmpty, let deadline = swarm.scheduler.nextDeadline, swarm.now < begin + .seconds(60) {
            swarm.now = max(deadline, swarm.now)
            output = swarm.schedule()
        }
        #expect(swarm.now - begin == .seconds(1))
        #expect(output.cancellations == [Cancellation(peer: swarm.ids[1], piece: slow?.piece ?? PieceIndex(0))])
        #expect(output.assignments.map(\.piece) == output.cancellations.map(\.piece))
        #expect(output.assignments.first?.parent != slow?.parent)
    }

    @Test("three times is enough when nothing else is left to fetch")
    func endgame() {
        var (swarm, slow) = stuck(usual: .milliseconds(100), others: [PieceSet(all: 6), PieceSet(all: 6)], pieces: 6)
        swarm.now += .milliseconds(299)
        #expect(swarm.schedule().isEmpty)
        swarm.now += .milliseconds(1)
        let output = swarm.schedule()
        #expect(output.cancellations.map(\.piece) == [slow?.piece])
        #expect(output.assignments.count == 1)
    }

    @Test("a slow transfer goes on where nobody else has the piece")
    func noAlternative() {
        var (swarm, slow) = stuck(usual: .milliseconds(100), others: [PieceSet(all: 40)])
        #expect(slow != nil)
        for _ in 0..<50 {
            swarm.now = max(swarm.now, swarm.scheduler.nextDeadline ?? swarm.now)
            #expect(swarm.schedule().isEmpty)
        }
    }

    @Test("a dead child that was given everything does not keep the seed from serving the others")
    func deadChild() {
        var swarm = Swarm(pieces: 40, holding: [[], []])
        for child in 0..<2 { swarm.wants(child, 16) }
        // The first never answers again; the second takes whatever it is given.
        let begin = swarm.now
        var got = 0
        while got < 40, swarm.now < begin + .seconds(60) {
            let output = swarm.schedule()
            for assignment in output.assignments where assignment.peer == swarm.ids[1] {
                swarm.finished(assignment)
                got += 1
            }
            swarm.wants(1, 16)
            if output.isEmpty { swarm.now = max(swarm.now, swarm.scheduler.nextDeadline ?? begin + .seconds(60)) }
        }
        #expect(got == 40)
        #expect(swarm.now - begin <= .seconds(15))
    }

    @Test("before anything was measured the first patience holds")
    func unmeasured() {
        var swarm = Swarm(pieces: 2, holding: [[0, 1], [0, 1], []], hasSeed: false)
        swarm.wants(3, 1)
        #expect(swarm.schedule().assignments.count == 1)
        swarm.now += .seconds(9)
        #expect(swarm.schedule().isEmpty)
        swarm.now += .seconds(1)
        #expect(swarm.schedule().cancellations.count == 1)
    }

    @Test("who is robbed again and again gets more patience each time")
    func growingPatience() {
        var (swarm, _) = stuck(usual: .milliseconds(100), others: Array(repeating: PieceSet(all: 40), count: 5))
        var robbed: [SchedulerInstant] = [swarm.now]
        for _ in 0..<40 where robbed.count < 4 {
            swarm.now = max(swarm.now, swarm.scheduler.nextDeadline ?? swarm.now)
            if !swarm.schedule().cancellations.isEmpty { robbed.append(swarm.now) }
        }
        let waits = zip(robbed.dropFirst(), robbed).map { $0 - $1 }
        #expect(waits == [.seconds(1), .seconds(2), .seconds(4)])
    }
}
