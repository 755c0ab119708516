import BackendAPI
import CacheStore
import Content
import NodeConfig
import OriginFetch
import PeerEngine
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// What was fetched before anybody could ask for pieces is used once somebody does.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LateDigestTests {
    private let bytes = randomBytes(16 << 18, seed: 1)
    private var resource: Resource {
        get throws { Resource(url: try #require(ResourceURL("http://origin/file")), digest: Digest.of(bytes)) }
    }

    /// Puts the first pieces into a store of a node that has no supernode yet.
    private func put(_ count: Int, into directory: String) async throws {
        var place = StoreConfiguration(directory: directory, freeSpaceFloor: ByteCount(bytes: 0))
        place.servesPieces = false
        let store = try await CacheStore.open(place, logger: quiet)
        let resource = try resource
        let digest = Digest.of(bytes)
        let file = try StoreDestination(store: store, task: resource.taskID).create(
            OriginRecord(url: resource.url, digest: digest, openAccess: true),
            generation: Generation(content: digest),
            layout: PieceLayout(length: Int64(bytes.count))
        )
        try bytes[..<(count << 18)].withUnsafeBytes { try file.write($0, at: 0) }
        for piece in 0..<count { _ = try await file.commit(PieceIndex(piece), expecting: nil) }
        #expect(file.committed.count == count)
        if count == 16 { try await store.complete(file, expecting: [digest], hashContent: true) }
        #expect(file.pieceDigests.isEmpty)
        await store.close()
    }

    @Test("A node goes on through a supernode with the pieces that it has")
    func node() async throws {
        try await withSwarm {
            try await put(9, into: "\($0)/node0")
        } _: { swarm in
            _ = try swarm.put(bytes)
            let download = try await swarm.nodes[0].download(try resource)
            #expect(try await content(of: download).elementsEqual(bytes))
            let from = try await download.completion()
            #expect(from.supernode == 7 << 18)
            #expect(from.cache == 9 << 18)
        }
    }

    @Test("A supernode gives out what it has", arguments: [5, 16])
    func supernode(count: Int) async throws {
        try await withSwarm {
            try await put(count, into: "\($0)/supernode0")
        } _: { swarm in
            _ = try swarm.put(bytes)
            let download = try await swarm.nodes[0].download(try resource)
            #expect(try await content(of: download).elementsEqual(bytes))
            #expect(try await download.completion().supernode == 16 << 18)
            #expect(swarm.supernodes[0].origin.memory.bytesSent == (16 - count) << 18)
        }
    }
}
