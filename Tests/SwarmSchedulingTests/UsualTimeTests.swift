import Content
import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("What is usual")
struct UsualTimeTests {
    /// What a child says of a piece, and after how many rounds.
    enum Lie: CaseIterable {
        case allWasWaiting
        case allWasBody
        case nothingTookAnyTime
        case comesLate
    }

    @Test("one child in eight or more that lies hardly changes it", arguments: Lie.allCases, [8, 20])
    func liar(lie: Lie, children: Int) throws {
        for isFirst in [true, false] {
            let honest = try usual(children, lie: nil, isFirst: isFirst)
            let lied = try usual(children, lie: lie, isFirst: isFirst)
            #expect(lied.body >= honest.body / 2 && lied.body <= honest.body * 2)
            #expect(lied.patience >= honest.patience / 2 && lied.patience <= honest.patience * 2)
        }
    }

    /// The usual time of a body, and how long an honest child's parent is waited for.
    ///
    /// Each child gets a piece at a time from a parent of its own, in 160 to 240 ms, of which it waits a quarter. The liar gets
    /// twenty before or after all others.
    private func usual(_ children: Int, lie: Lie?, isFirst: Bool) throws -> (body: Int64, patience: Int64) {
        var configuration = SchedulerConfiguration()
        configuration.leastPatience = .milliseconds(1)
        let holders = Array(repeating: PieceSet(all: 64), count: children)
        let nothing = Array(repeating: PieceSet(), count: children)
        var swarm = Swarm(pieces: 64, holding: nothing + holders, configuration: configuration, hasSeed: false)
        func fetch(_ child: Int, _ lie: Lie?) {
            for _ in 0..<20 {
                swarm.wants(child, 1)
                let assignments = swarm.schedule().assignments
                let time = Duration.milliseconds(160 + 80 * (child - 1) / (children - 1))
                swarm.now += lie == .comesLate ? .seconds(3600) : time
                let timing: TransferTiming =
                    switch lie {
                    case nil: TransferTiming(body: time * 3 / 4, queued: time / 4)
                    case .allWasWaiting: TransferTiming(body: .zero, queued: .seconds(3600))
                    case .allWasBody: TransferTiming(body: .seconds(3600))
                    case .nothingTookAnyTime, .comesLate: TransferTiming(body: .zero)
                    }
                for assignment in assignments {
                    swarm.scheduler.finished(
                        assignment.piece,
                        by: assignment.peer,
                        from: assignment.parent,
                        timing: timing
                    )
                }
                _ = swarm.schedule()
            }
        }
        if isFirst { fetch(1, lie) }
        for child in 2...children { fetch(child, nil) }
        if !isFirst { fetch(1, lie) }
        let body = try #require(swarm.scheduler.usualDuration)
        return (body, swarm.scheduler.patienceOfOthers(with: 2, factor: 3))
    }
}
