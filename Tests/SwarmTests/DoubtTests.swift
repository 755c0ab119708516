import BackendAPI
import CacheStore
import Content
import PieceServer
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine
@testable import SupernodeService

/// A node goes on at another supernode with pieces that the first one vouched for.
@Suite(.serialized, .timeLimit(.minutes(1))) struct DoubtTests {
    private static let half: Int64 = 8 << 18
    private static let size: Int64 = 16 << 18
    private let bytes = randomBytes(Int(size), seed: 1)

    /// A download of 16 pieces that stands after half of them, at the moment when its supernode dies.
    private struct Halfway {
        let swarm: Swarm
        let resource: Resource
        let download: TaskDownload
        let file: PieceFile
        let second: SwarmSupernode
        let kill: () async -> Void

        /// The status with which the node answers who asks it for a piece.
        func served(_ piece: Int) async throws -> Int {
            let (supernode, node) = (try #require(swarm.supernodes(for: resource).first), swarm.nodes[0])
            let generation = try #require(download.generation)
            let ticket = try supernode.ticket(download.taskID, generation, for: node, expiry: swarm.time.date + 60)
            return try await swarm.piece(piece, of: download.taskID, generation, at: node.pieces, ticket: "\(ticket)")
                .status
        }
    }

    /// `prepare`: what the second supernode's origin is to be like.
    private func withHalfADownload(
        _ prepare: (PausingOrigin, ResourceURL) -> Void = { _, _ in },
        _ body: (Halfway) async throws -> Void
    ) async throws {
        try await withSwarm(supernodes: 2) { swarm in
            let resource = try swarm.put(bytes)
            let order = swarm.supernodes(for: resource)
            prepare(order[1].origin, resource.url)
            let pause = order[0].origin.pause(at: Self.half)
            let download = try await swarm.nodes[0].download(resource)
            let file = try await download.head().file
            await eventually { download.progress.origins.supernode == Self.half }
            try await body(
                Halfway(swarm: swarm, resource: resource, download: download, file: file, second: order[1]) {
                    await order[0].server.kill()
                }
            )
            pause.release.fire()
        }
    }

    @Test("Pieces that the next supernode confirms are kept")
    func kept() async throws {
        try await withHalfADownload { halfway in
            await halfway.kill()
            let received = try await content(of: halfway.download)
            #expect(received.elementsEqual(bytes))
            let from = try await halfway.download.completion()
            #expect(from.supernode == Self.size)
            #expect(from.origin == 0)
        }
    }

    @Test("Pieces that the next supernode knows by other digests are fetched again")
    func replaced() async throws {
        var other = bytes
        // The first and the last of those that are here, and one that is not.
        for piece in [0, 7, 12] { other[piece << 18] ^= 1 }
        try await withHalfADownload {
            var object = MemoryBackend.Object(other)
            // It says that it is the same version.
            object.validators = MemoryBackend.Object(bytes).validators
            $0.memory.set(object, at: $1)
        } _: { halfway in
            await halfway.kill()
            let received = try await content(of: halfway.download)
            #expect(received.elementsEqual(other))
            let from = try await halfway.download.completion()
            #expect(from.supernode == Self.size + 2 << 18)
        }
    }

    @Test("What is in doubt is neither served nor read, and both go on when it is confirmed")
    func inDoubt() async throws {
        var pause: PausingOrigin.Pause?
        try await withHalfADownload { origin, _ in
            pause = origin.pause(at: 0)
        } _: { halfway in
            #expect(try await halfway.served(0) == 200)
            await halfway.kill()
            await eventually { halfway.file.committed.isEmpty }
            #expect(try await halfway.served(0) == 404)
            var buffer = [UInt8](repeating: 0, count: 100)
            #expect(throws: StoreError.self) {
                try buffer.withUnsafeMutableBytes { try halfway.file.read(ByteRange(0..<100), into: $0) }
            }
            pause?.release.fire()
            let received = try await content(of: halfway.download)
            #expect(received.elementsEqual(bytes))
            #expect(try await halfway.served(0) == 200)
            #expect(try await halfway.download.completion().supernode == Self.size)
        }
    }

    @Test("With no supernode left the origin settles the doubt: unchanged content goes on where it was")
    func trustedAtTheOrigin() async throws {
        try await withHalfADownload { origin, _ in
            _ = origin.pause(at: 0)
        } _: { halfway in
            await halfway.kill()
            await eventually { halfway.file.committed.isEmpty }
            await halfway.second.server.kill()
            let received = try await content(of: halfway.download)
            #expect(received.elementsEqual(bytes))
            let from = try await halfway.download.completion()
            #expect(from.origin == Self.size - Self.half)
            #expect(halfway.swarm.origin.memory.bytesSent == Self.size - Self.half)
        }
    }

    @Test(
        "What a node gets from the origin itself may be read early there, and is served to nobody before it is committed"
    )
    func early() async throws {
        try await withHalfADownload { origin, _ in
            _ = origin.pause(at: 0)
        } _: { halfway in
            let pause = halfway.swarm.origin.pause(at: Self.half + (200 << 10))
            await halfway.kill()
            await eventually { halfway.file.committed.isEmpty }
            await halfway.second.server.kill()
            let arrival = try await halfway.file.arrival(from: Self.half, early: 64 << 10)
            guard case .early = arrival else { throw WireError(.internalError, "\(arrival) instead of early bytes") }
            #expect(try await halfway.served(7) == 200)
            #expect(try await halfway.served(8) == 404)
            pause.release.fire()
            let received = try await content(of: halfway.download)
            #expect(received.elementsEqual(bytes))
            #expect(try await halfway.served(8) == 200)
        }
    }

    @Test("With no supernode left and the content changed at the origin, nothing of the old version stays")
    func changedAtTheOrigin() async throws {
        let new = randomBytes(Int(Self.size), seed: 2)
        try await withHalfADownload { origin, _ in
            _ = origin.pause(at: 0)
        } _: { halfway in
            await halfway.kill()
            await eventually { halfway.file.committed.isEmpty }
            halfway.swarm.origin.memory.set(.init(new), at: halfway.resource.url)
            await halfway.second.server.kill()
            let received = try await content(of: halfway.download)
            #expect(received.elementsEqual(new))
            let from = try await halfway.download.completion()
            #expect(from.origin == Self.size)
        }
    }
}
