import Content
import Testing

@testable import SwarmScheduling

@Suite("Gaps between bodies")
struct GapTests {
    @Test("a link with short bodies and long gaps has as many at once as cover the gap", arguments: [0, 50, 200])
    func pace(gap: Int64) {
        var pace = Pace(start: 1, step: 0.02)
        for _ in 0..<400 {
            // One link for all: each body takes as many times longer as there are.
            pace.measured(20_000_000 * Int64(pace.limit), gap: gap * 1_000_000, wasFull: true, most: 64)
        }
        let cover = max(1, Pace.cover * Double(gap) / 20)
        #expect(pace.limit >= cover * 0.7 && pace.limit <= cover * 1.4 + 1)
    }

    @Test("one body out of a buffer does not make all others late")
    func outlier() {
        var pace = Pace(start: 4, step: 0.02)
        for _ in 0..<20 { pace.measured(20_000_000, wasFull: false, most: 16) }
        pace.measured(1, wasFull: false, most: 16)
        for _ in 0..<20 { pace.measured(20_000_000, wasFull: false, most: 16) }
        #expect(pace.limit == 4)
    }

    @Test("a parent's line is as long as its gap is in bodies; waiting in line is no gap", arguments: [false, true])
    func line(isQueued: Bool) {
        var configuration = SchedulerConfiguration()
        configuration.childStart = 16
        var swarm = Swarm(
            pieces: 64,
            holding: [PieceSet(all: 64), []],
            configuration: configuration,
            hasSeed: false
        )
        for _ in 0..<8 {
            swarm.wants(2, 1)
            guard let assignment = swarm.schedule().assignments.first else { break }
            swarm.now += .milliseconds(120)
            let timing = TransferTiming(body: .milliseconds(60), queued: .milliseconds(isQueued ? 60 : 0))
            swarm.scheduler.finished(assignment.piece, by: assignment.peer, from: assignment.parent, timing: timing)
        }
        swarm.wants(2, 16)
        #expect(swarm.schedule().assignments.count == (isQueued ? 1 : Int(Pace.cover)))
    }

    @Test("a child with a late piece is given another, and its parent is not")
    func late() {
        var swarm = Swarm(
            pieces: 8,
            holding: [PieceSet(all: 8), PieceSet(all: 8), []],
            configuration: .init(),
            hasSeed: false
        )
        swarm.wants(3, 8)
        let first = swarm.schedule().assignments
        #expect(first.count == 1)
        guard let transfer = first.first else { return }
        #expect(swarm.schedule().assignments.isEmpty)
        swarm.scheduler.late(transfer.piece, by: transfer.peer)
        let next = swarm.schedule().assignments
        #expect(next.count == 1 && next.first?.parent != transfer.parent)
    }

    @Test("what a child says of its times is taken as it can be")
    func timing() {
        #expect(TransferTiming(body: .seconds(-1), queued: .seconds(-2)) == TransferTiming(body: .zero))
    }
}
