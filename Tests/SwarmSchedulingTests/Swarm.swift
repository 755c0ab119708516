import Content
import TestSupport

@testable import SwarmScheduling

/// A small swarm for tests that look at single decisions: peer 0 is the seed and holds all.
struct Swarm {
    var scheduler: SwarmScheduler
    var now = ContinuousClock.now
    let ids: [PeerID]
    private var generator: SeededGenerator

    /// `holding` has what each peer holds.
    init(
        pieces: Int,
        holding: [PieceSet],
        configuration: SchedulerConfiguration = .roomy,
        hasSeed: Bool = true,
        seed: Int = 7
    ) {
        generator = SeededGenerator(seed)
        ids = makePeers(holding.count + 1, using: &generator)
        scheduler = SwarmScheduler(configuration)
        scheduler.learn(pieceCount: pieces)
        if hasSeed { scheduler.join(ids[0], as: .seed, holding: PieceSet(all: pieces)) }
        for (id, pieces) in zip(ids.dropFirst(), holding) { scheduler.join(id, as: .peer, holding: pieces) }
    }

    mutating func wants(_ peer: Int, _ count: Int) { scheduler.wants(ids[peer], count) }

    mutating func schedule() -> SchedulerOutput { scheduler.schedule(now: now, using: &generator) }

    mutating func block(_ peer: Int, _ isBlocked: Bool = true) { scheduler.block(ids[peer], isBlocked) }

    func standing(of peer: Int) -> ParentStanding? {
        var scheduler = scheduler
        return scheduler.standings(at: now)[ids[peer]]
    }

    mutating func finished(_ assignment: Assignment) {
        scheduler.finished(assignment.piece, by: assignment.peer, from: assignment.parent)
    }

    mutating func failed(_ piece: Int, by peer: Int, from parent: Int, _ reason: FailureReason) {
        scheduler.failed(PieceIndex(piece), by: ids[peer], from: ids[parent], reason: reason, at: now)
    }
}

extension SchedulerConfiguration {
    /// With lines in which several children wait, at peers and at the seed.
    static var roomy: SchedulerConfiguration {
        var configuration = SchedulerConfiguration()
        configuration.peerSlots = 4
        configuration.seedStart = 4
        configuration.childStart = 16
        configuration.leastPatience = .seconds(1)
        return configuration
    }
}
