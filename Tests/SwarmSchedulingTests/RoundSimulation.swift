import Content
import TestSupport

@testable import SwarmScheduling

/// A swarm of equal peers in rounds: each uploader sends one piece a round (the seed `seedRate`), in the order of its
/// line; each peer takes at most `downloadRate` a round.
///
/// News of a round is known at its end.
struct RoundSimulation {
    var peerCount: Int
    var pieceCount: Int
    var seedRate = 1
    var downloadRate = 2
    var window = 2
    var configuration = SchedulerConfiguration()
    var seed = 1

    struct Result {
        var rounds = 0
        var sentBySeed = 0
        var wastedAssignments = 0
    }

    func run() -> Result {
        var generator = SeededGenerator(seed)
        let ids = makePeers(peerCount + 1, using: &generator)
        let numbers = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
        var scheduler = SwarmScheduler(configuration)
        scheduler.learn(pieceCount: pieceCount)
        scheduler.join(ids[0], as: .seed, holding: PieceSet(all: pieceCount))
        var held = Array(repeating: PieceSet(), count: peerCount + 1)
        var lines: [[(child: Int, piece: PieceIndex, round: Int)]] = Array(repeating: [], count: peerCount + 1)
        var now = ContinuousClock.now
        for id in ids.dropFirst() {
            scheduler.join(id, as: .peer)
            scheduler.wants(id, min(window, pieceCount))
        }
        var result = Result()
        func hand(_ output: SchedulerOutput) {
            result.wastedAssignments += output.cancellations.count
            for cancelled in output.cancellations {
                guard let child = numbers[cancelled.peer] else { continue }
                for parent in lines.indices {
                    lines[parent].removeAll { $0.child == child && $0.piece == cancelled.piece }
                }
            }
            for assignment in output.assignments {
                guard let parent = numbers[assignment.parent], let child = numbers[assignment.peer] else { continue }
                lines[parent].append((child, assignment.piece, result.rounds))
            }
        }
        hand(scheduler.schedule(now: now, using: &generator))
        while held.dropFirst().contains(where: { $0.count < pieceCount }), result.rounds < 20 * pieceCount {
            result.rounds += 1
            now += .seconds(1)
            var room = Array(repeating: downloadRate, count: peerCount + 1)
            var arrived: [(child: Int, piece: PieceIndex, parent: Int, queued: Int)] = []
            for parent in lines.indices.shuffled(using: &generator) {
                var left = parent == 0 ? seedRate : 1
                lines[parent].removeAll { child, piece, round in
                    guard left > 0, room[child] > 0 else { return false }
                    left -= 1
                    room[child] -= 1
                    arrived.append((child, piece, parent, result.rounds - round - 1))
                    if parent == 0 { result.sentBySeed += 1 }
                    return true
                }
            }
            for (child, piece, parent, queued) in arrived {
                held[child].insert(piece)
                let timing = TransferTiming(body: .seconds(1), queued: .seconds(queued))
                scheduler.finished(piece, by: ids[child], from: ids[parent], timing: timing)
            }
            var onTheWay = Array(repeating: 0, count: peerCount + 1)
            for line in lines { for waiting in line { onTheWay[waiting.child] += 1 } }
            for child in Set(arrived.map(\.child)).sorted() {
                let underWay = onTheWay[child]
                scheduler.wants(ids[child], min(window, pieceCount - held[child].count) - underWay)
            }
            hand(scheduler.schedule(now: now, using: &generator))
        }
        return result
    }
}
