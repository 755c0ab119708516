import BackendAPI
import CacheStore
import Content
import PeerEngine
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// Nodes that want parts of a content only.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LazyTests {
    private static let piece: Int64 = 256 << 10
    private static let size = Int(64 * piece)
    private let bytes = randomBytes(size, seed: 3)

    private func lazily(_ node: SwarmNode, _ resource: Resource) async throws -> TaskDownload {
        try await node.engine.download(DownloadRequest(resource: resource, isLazy: true))
    }

    /// Reads a range as a client does.
    private func read(_ range: ByteRange, of download: TaskDownload) async throws -> [UInt8] {
        let head = try await download.head()
        let wish = download.want(range)
        var read = [UInt8](repeating: 0, count: Int(range.count))
        try await download.read(head, range) { part in
            let start = Int(part.offset - range.offset)
            _ = try read.withUnsafeMutableBytes { buffer in
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + Int(part.count)])
                return try head.file.read(part, into: rest)
            }
        }
        withExtendedLifetime(wish) {}
        return read
    }

    private func expect(_ range: ByteRange, of download: TaskDownload) async throws {
        let read = try await read(range, of: download)
        #expect(read.elementsEqual(bytes[Int(range.offset)..<Int(range.end)]), "\(range)")
    }

    @Test("Only the pieces come that the parts lie in, though the supernode fetches all")
    func parts() async throws {
        try await withSwarm { swarm in
            let resource = try swarm.put(bytes)
            let download = try await lazily(swarm.nodes[0], resource)
            try await expect(ByteRange(10..<20), of: download)
            try await expect(ByteRange(5 * Self.piece - 1..<5 * Self.piece + 1), of: download)
            try await expect(ByteRange(Int64(Self.size) - 100..<Int64(Self.size)), of: download)
            let file = try await download.head().file
            #expect(file.committed == [0, 4, 5, 63])
            // A reader may have a piece before it is counted.
            await eventually { download.progress.origins.supernode == 4 * Self.piece }
            #expect(swarm.supernodes[0].origin.memory.bytesSent == Self.size)
            #expect(swarm.origin.memory.requests.isEmpty)
            download.release()
        }
    }

    @Test("Several readers add up, and whoever wants all gets all")
    func readers() async throws {
        try await withSwarm { swarm in
            let resource = try swarm.put(bytes)
            let node = swarm.nodes[0]
            let downloads = [try await lazily(node, resource), try await lazily(node, resource)]
            #expect(downloads[0] === downloads[1])
            async let first: Void = expect(ByteRange(0..<Self.piece), of: downloads[0])
            async let second: Void = expect(ByteRange(9 * Self.piece..<10 * Self.piece), of: downloads[1])
            _ = try await (first, second)
            #expect(try await downloads[0].head().file.committed == [0, 9])
            let whole = try await node.download(resource)
            #expect(whole === downloads[0])
            #expect(try await content(of: whole).elementsEqual(bytes))
            #expect(try await whole.completion().supernode == Self.size)
        }
    }

    @Test("A lazy node gets pieces from other nodes, too")
    func fromPeers() async throws {
        try await withSwarm(nodes: 2) { swarm in
            let resource = try swarm.put(bytes)
            let whole = try await swarm.nodes[0].download(resource)
            _ = try await whole.completion()
            let download = try await lazily(swarm.nodes[1], resource)
            try await expect(ByteRange(7 * Self.piece..<9 * Self.piece), of: download)
            #expect(try await download.head().file.committed == [7, 8])
            func received() -> Int64 { download.progress.origins.supernode + download.progress.origins.peers }
            await eventually { received() == 2 * Self.piece }
            download.release()
        }
    }

    @Test("When the supernode dies the wanted pieces come from the origin, and no others")
    func supernodeDies() async throws {
        try await withSwarm { swarm in
            let resource = try swarm.put(bytes)
            let download = try await lazily(swarm.nodes[0], resource)
            try await expect(ByteRange(0..<100), of: download)
            await swarm.supernodes[0].server.kill()
            try await expect(ByteRange(20 * Self.piece..<22 * Self.piece), of: download)
            #expect(try await download.head().file.committed == [0, 20, 21])
            #expect(swarm.origin.memory.bytesSent == 2 * Self.piece)
            download.release()
        }
    }

    @Test("What a lazy node has stays when its readers go, and the next reader finds it")
    func stays() async throws {
        try await withSwarm { swarm in
            let resource = try swarm.put(bytes)
            for _ in 0..<3 {
                let download = try await lazily(swarm.nodes[0], resource)
                try await expect(ByteRange(3 * Self.piece..<4 * Self.piece), of: download)
                #expect(try await download.head().file.committed == [3])
                download.release()
                _ = try? await download.completion()
            }
            let download = try await lazily(swarm.nodes[0], resource)
            #expect(download.progress.origins.supernode == 0)
            download.release()
        }
    }
}
