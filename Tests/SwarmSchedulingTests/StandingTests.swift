import Content
import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("How parents stand, and for how long")
struct StandingTests {
    /// Peer 1 holds all; the others hold nothing, and there is no seed.
    private func oneParent(children: Int) -> Swarm {
        var configuration = SchedulerConfiguration.roomy
        configuration.firstPatience = .seconds(36_000)
        return Swarm(
            pieces: 8,
            holding: [PieceSet(all: 8)] + Array(repeating: [], count: children),
            configuration: configuration,
            hasSeed: false
        )
    }

    private func wait(_ swarm: inout Swarm, _ time: Duration) {
        swarm.now += time
        _ = swarm.schedule()
    }

    @Test("what children say is told with the number of those who say it, and forgotten")
    func reasons() {
        var swarm = oneParent(children: 3)
        #expect(swarm.standing(of: 1) == nil)
        swarm.failed(0, by: 2, from: 1, .timedOut)
        swarm.failed(1, by: 2, from: 1, .timedOut)
        swarm.failed(0, by: 2, from: 1, .wrongBytes)
        swarm.failed(0, by: 3, from: 1, .wrongBytes)
        #expect(swarm.schedule().complaints == [.timedOut, .timedOut, .wrongBytes, .wrongBytes])
        #expect(swarm.schedule().complaints.isEmpty)
        let standing = swarm.standing(of: 1)
        #expect(standing?.state == .healthy && standing?.quarantinedUntil == nil)
        #expect(
            standing?.complaints == [
                .init(voice: .peer(swarm.ids[2]), reason: .timedOut, times: 2),
                .init(voice: .peer(swarm.ids[2]), reason: .wrongBytes, times: 1),
                .init(voice: .peer(swarm.ids[3]), reason: .wrongBytes, times: 1),
            ]
        )
        wait(&swarm, swarm.scheduler.configuration.complaintMemory)
        #expect(swarm.standing(of: 1) == nil)
    }

    @Test("a quarantine is told with its end and what led to it, then the probation, until a piece came through")
    func quarantine() throws {
        var swarm = oneParent(children: 3)
        for child in 2...3 { swarm.failed(0, by: child, from: 1, .unreachable) }
        #expect(swarm.schedule().changes.map(\.peer) == [swarm.ids[1]])
        let end = swarm.now + .milliseconds(500)
        var standing = try #require(swarm.standing(of: 1))
        #expect(standing.state == .quarantined && standing.quarantinedUntil == end)
        #expect(standing.complaints.count == 2)
        wait(&swarm, .milliseconds(500))
        standing = try #require(swarm.standing(of: 1))
        #expect(standing.state == .probation && standing.quarantinedUntil == nil)
        swarm.wants(4, 1)
        for assignment in swarm.schedule().assignments { swarm.finished(assignment) }
        #expect(swarm.standing(of: 1)?.state == .healthy)
    }

    @Test(
        "a child that complains of several kinds is still one child",
        arguments: [FailureReason.unreachable, .refused, .timedOut]
    )
    func oneChild(reason: FailureReason) {
        var swarm = oneParent(children: 2)
        for other in [FailureReason.unreachable, .refused, .timedOut, .wrongBytes] {
            swarm.failed(0, by: 2, from: 1, other)
        }
        #expect(swarm.standing(of: 1)?.state == .healthy)
        swarm.failed(0, by: 3, from: 1, reason)
        #expect(swarm.standing(of: 1)?.state == .quarantined)
    }

    @Test(
        "all who call from one address are one voice, also when it comes to taking back",
        arguments: FailureReason.allCases
    )
    func oneAddress(reason: FailureReason) throws {
        guard reason.isParentsFault else { return }
        var swarm = oneParent(children: 6)
        let here = try #require(IPAddress("10.0.0.1"))
        for child in 2...5 {
            swarm.scheduler.calls(swarm.ids[child], from: here)
            swarm.failed(0, by: child, from: 1, reason)
        }
        var standing = try #require(swarm.standing(of: 1))
        #expect(standing.state == .healthy)
        #expect(standing.complaints == [.init(voice: .address(here), reason: reason, times: 4)])
        swarm.scheduler.finished(PieceIndex(1), by: swarm.ids[2], from: swarm.ids[1])
        #expect((swarm.standing(of: 1) == nil) == (reason != .wrongBytes))
        swarm.failed(0, by: 3, from: 1, reason)
        for child in 6...(reason == .wrongBytes ? 7 : 6) { swarm.failed(0, by: child, from: 1, reason) }
        standing = try #require(swarm.standing(of: 1))
        #expect(standing.state == .quarantined)
    }

    @Test("what a child says of a parent that it was not told to ask keeps only the child away")
    func notNamed() {
        var swarm = oneParent(children: 5)
        for child in 2...5 {
            swarm.scheduler.failed(
                PieceIndex(0),
                by: swarm.ids[child],
                from: swarm.ids[1],
                reason: .wrongBytes,
                wasNamed: false,
                at: swarm.now
            )
        }
        for child in 2...6 { swarm.wants(child, 1) }
        let output = swarm.schedule()
        #expect(output.complaints.isEmpty && swarm.standing(of: 1) == nil)
        #expect(output.assignments.map(\.peer) == [swarm.ids[6]])
    }

    @Test("each change is told once: into quarantine, to probation, and back to health")
    func changes() {
        var swarm = oneParent(children: 3)
        for child in 2...4 { swarm.failed(0, by: child, from: 1, .refused) }
        var states = swarm.schedule().changes.map(\.standing.state)
        #expect(states == [.quarantined])
        swarm.now += .milliseconds(500)
        states = swarm.schedule().changes.map(\.standing.state)
        #expect(states == [.probation])
        swarm.wants(4, 1)
        for child in 2...3 { swarm.scheduler.finished(PieceIndex(1), by: swarm.ids[child], from: swarm.ids[1]) }
        states = swarm.schedule().changes.map(\.standing.state)
        #expect(states == [.healthy])
    }

    @Test("what came through during a quarantine makes its end the end of the probation, too")
    func servedWhileResting() {
        var swarm = oneParent(children: 3)
        for child in 2...3 { swarm.failed(0, by: child, from: 1, .refused) }
        swarm.scheduler.finished(PieceIndex(1), by: swarm.ids[4], from: swarm.ids[1])
        #expect(swarm.schedule().changes.map(\.standing.state) == [.quarantined])
        swarm.now += .milliseconds(500)
        #expect(swarm.schedule().changes.map(\.standing.state) == [.healthy])
    }

    @Test("wrong bytes are not made good by other pieces that were right; what did not come is")
    func takenBack() {
        for (reason, isTakenBack) in [(FailureReason.wrongBytes, false), (.timedOut, true)] {
            var swarm = oneParent(children: 2)
            swarm.failed(0, by: 2, from: 1, reason)
            swarm.scheduler.finished(PieceIndex(1), by: swarm.ids[2], from: swarm.ids[1])
            #expect((swarm.standing(of: 1) == nil) == isTakenBack)
        }
    }

    /// Has two children complain; returns for how long the parent then rests.
    private func rest(_ swarm: inout Swarm) throws -> Duration {
        for child in 2...3 { swarm.failed(0, by: child, from: 1, .refused) }
        let end = try #require(swarm.standing(of: 1)?.quarantinedUntil)
        let time = end - swarm.now
        wait(&swarm, time)
        return time
    }

    @Test("rests grow up to the longest, and shrink with the time that goes well")
    func rests() throws {
        var swarm = oneParent(children: 3)
        let growing = try (0..<9).map { _ in try rest(&swarm) }
        #expect(Array(growing.prefix(4)) == [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4)])
        #expect(growing.last == .seconds(60))
        // Nine rests, halved twice.
        wait(&swarm, swarm.scheduler.configuration.complaintMemory * 2)
        #expect(try rest(&swarm) == .seconds(2))
        wait(&swarm, swarm.scheduler.configuration.complaintMemory * 10)
        #expect(try rest(&swarm) == .milliseconds(500))
    }

    @Test("joining anew clears nobody")
    func joinsAnew() {
        var swarm = oneParent(children: 3)
        for child in 2...3 { swarm.failed(0, by: child, from: 1, .refused) }
        swarm.scheduler.join(swarm.ids[1], as: .peer, holding: PieceSet(all: 8))
        swarm.wants(4, 1)
        #expect(swarm.schedule().assignments.isEmpty)
        #expect(swarm.standing(of: 1)?.state == .quarantined)
        swarm.now += .milliseconds(500)
        #expect(swarm.schedule().assignments.count == 1)
    }

    @Test("slow parents are told of")
    func slow() {
        var swarm = Swarm(pieces: 32, holding: [PieceSet(all: 32), PieceSet(all: 32), [], []], hasSeed: false)
        var hasSlow = false
        for _ in 0..<16 {
            swarm.wants(3, 1)
            swarm.wants(4, 1)
            let assignments = swarm.schedule().assignments
            for slow in [false, true] {
                swarm.now += slow ? .seconds(1) : .milliseconds(50)
                for assignment in assignments where (assignment.parent == swarm.ids[1]) == slow {
                    swarm.finished(assignment)
                }
                _ = swarm.schedule()
            }
            hasSlow = hasSlow || swarm.standing(of: 1)?.isSlow == true
        }
        #expect(hasSlow)
        #expect(swarm.standing(of: 2) == nil)
    }

    @Test("however many complain, what is kept of it is bounded")
    func manyComplainers() {
        var swarm = oneParent(children: 200)
        for child in 2...200 { swarm.failed(0, by: child, from: 1, .refused) }
        #expect((2...16).contains(swarm.standing(of: 1)?.complaints.count ?? 0))
    }
}
