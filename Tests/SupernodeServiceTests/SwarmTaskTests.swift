import BackendAPI
import CacheStore
import Content
import OriginFetch
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct SwarmTaskTests {
    private func file(_ rig: Rig, _ bytes: [UInt8], length: Int64?, digest: Digest?) throws -> (PieceFile, OriginRecord)
    {
        let record = OriginRecord(url: nil, digest: digest, openAccess: true)
        let file = try rig.store.create(
            TaskID(url: "test"),
            generation: Generation(length: length, validator: "\"v\""),
            layout: PieceLayout(length: length),
            metadata: record.encoded,
            contentHash: .sha256
        )
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        return (file, record)
    }

    @Test(
        "The first to join while the first piece is coming may ask for its beginning, and no others",
        arguments: [true, false]
    )
    func openings(isOnePiece: Bool) async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(isOnePiece ? 200_000 : 600_000, seed: 2)
            let (file, record) = try file(rig, bytes, length: Int64(bytes.count), digest: Digest.of(bytes))
            let task = SwarmTask(
                id: file.task,
                digest: nil,
                seed: rig.supernode.seed,
                configuration: PeerConfiguration(),
                logger: rig.logs.logger()
            )
            task.begin(file, record: record, generation: file.generation, verified: false)
            let peers = try (0..<6).map { try rig.peer("\($0)") }
            let tickets = try peers.map { try #require(try task.enroll($0, pattern: .p2p)).openingTicket }
            #expect(tickets.map { $0 != nil } == (0..<6).map { $0 < 4 && !isOnePiece })
            for peer in peers { task.leave(peer) }
            _ = try await file.commit(PieceIndex(0), expecting: nil)
            task.publish(PieceIndex(0))
            #expect(try #require(try task.enroll(try rig.peer("late"), pattern: .p2p)).openingTicket == nil)
        }
    }

    @Test("Until the content's digest is checked, the last piece stays here", arguments: [true, false])
    func holdsBack(knowsLength: Bool) async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(3 << 20, seed: 1)
            let (file, record) = try file(
                rig,
                bytes,
                length: knowsLength ? Int64(bytes.count) : nil,
                digest: Digest.of(bytes)
            )
            let task = SwarmTask(
                id: file.task,
                digest: nil,
                seed: rig.supernode.seed,
                configuration: PeerConfiguration(),
                logger: rig.logs.logger()
            )
            task.begin(file, record: record, generation: file.generation, verified: false)
            let count = knowsLength ? 12 : 3
            for number in (0..<count).reversed() {
                _ = try await file.commit(PieceIndex(number), expecting: nil)
                task.publish(PieceIndex(number))
            }
            if !knowsLength { try file.learn(length: Int64(bytes.count)) }
            #expect((0..<count - 1).allSatisfy { task.hasPublished(PieceIndex($0)) })
            #expect(!task.hasPublished(PieceIndex(count - 1)))
            #expect(!task.isComplete)
            let peer = try rig.peer()
            let joined = try #require(try task.enroll(peer, pattern: .p2p))
            #expect(joined.manifest.digests.count == count - 1)
            task.verified()
            #expect(task.hasPublished(PieceIndex(count - 1)))
            #expect(task.isComplete)
        }
    }

    @Test("A member learns the length as soon as it is sure")
    func length() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(3 << 20, seed: 2)
            let (file, record) = try file(rig, bytes, length: nil, digest: Digest.of(bytes))
            let task = SwarmTask(
                id: file.task,
                digest: nil,
                seed: rig.supernode.seed,
                configuration: PeerConfiguration(),
                logger: rig.logs.logger()
            )
            task.begin(file, record: record, generation: file.generation, verified: false)
            let peer = try rig.peer()
            #expect(try task.enroll(peer, pattern: .p2p)?.length == nil)
            for number in 0..<3 { _ = try await file.commit(PieceIndex(number), expecting: nil) }
            try file.learn(length: Int64(bytes.count))
            #expect(task.takeUpdate(for: peer, sequence: 1)?.length == nil)
            task.verified()
            #expect(peer.takeNews().map(\.id) == [task.id])
            #expect(task.takeUpdate(for: peer, sequence: 1)?.length == Int64(bytes.count))
            #expect(task.takeUpdate(for: peer, sequence: 2) == nil)
        }
    }

    @Test("That there is no byte at all is told once that is known to be right", arguments: [true, false])
    func nothing(isNamed: Bool) async throws {
        try await withSupernode { rig in
            let (file, record) = try file(rig, [], length: 0, digest: isNamed ? Digest.of("") : nil)
            let task = SwarmTask(
                id: file.task,
                digest: nil,
                seed: rig.supernode.seed,
                configuration: PeerConfiguration(),
                logger: rig.logs.logger()
            )
            task.begin(file, record: record, generation: file.generation, verified: false)
            let peer = try rig.peer()
            #expect(try task.enroll(peer, pattern: .p2p)?.length == (isNamed ? nil : 0))
            #expect(task.takeUpdate(for: peer, sequence: 1) == nil)
            task.verified()
            #expect(task.takeUpdate(for: peer, sequence: 2)?.length == (isNamed ? 0 : nil))
        }
    }

    @Test("What came too early for a member is said again, and the last piece comes with the length")
    func lengthAgain() async throws {
        try await withSupernode { rig in
            let bytes = randomBytes(3 << 20, seed: 3)
            let (file, record) = try file(rig, bytes, length: nil, digest: Digest.of(bytes))
            let task = SwarmTask(
                id: file.task,
                digest: nil,
                seed: rig.supernode.seed,
                configuration: PeerConfiguration(),
                logger: rig.logs.logger()
            )
            task.begin(file, record: record, generation: file.generation, verified: false)
            let peer = try rig.peer()
            #expect(try task.enroll(peer, pattern: .p2p)?.length == nil)
            for number in 0..<3 {
                _ = try await file.commit(PieceIndex(number), expecting: nil)
                task.publish(PieceIndex(number))
            }
            try file.learn(length: Int64(bytes.count))
            task.verified()
            // The answer to a call that does not speak of the task yet.
            #expect(task.takeUpdate(for: peer, sequence: 1)?.length == Int64(bytes.count))
            func report(_ window: Int, holds: PieceSet?) -> Bool {
                let report = TaskReport(task: task.id, generation: file.generation, window: window, holds: holds)
                return task.apply(report, from: peer, open: [], isLatest: true)
            }
            #expect(report(0, holds: [0, 1]))
            #expect(task.takeUpdate(for: peer, sequence: 2)?.length == Int64(bytes.count))
            #expect(task.takeUpdate(for: peer, sequence: 2) == nil)
            // The answer before this one may come behind it.
            #expect(report(8, holds: nil))
            let update = try #require(task.takeUpdate(for: peer, sequence: 3))
            #expect(update.assignments.map(\.piece) == [PieceIndex(2)])
            #expect(update.length == Int64(bytes.count))
        }
    }

    @Test("A task that has failed takes no members")
    func failed() async throws {
        try await withSupernode { rig in
            let (file, record) = try file(rig, [1], length: 1, digest: nil)
            let task = SwarmTask(
                id: file.task,
                digest: nil,
                seed: rig.supernode.seed,
                configuration: PeerConfiguration(),
                logger: rig.logs.logger()
            )
            task.begin(file, record: record, generation: file.generation, verified: false)
            task.fail(WireError(.originUnavailable, "gone"))
            let peer = try rig.peer()
            #expect(try task.enroll(peer, pattern: .p2p) == nil)
            #expect(peer.taskCount == 0)
        }
    }
}
