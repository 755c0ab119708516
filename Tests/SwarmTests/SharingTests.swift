import BackendAPI
import CacheStore
import Content
import PeerEngine
import TestSupport
import Testing
import WireAPI

/// Users whose content is at one URL of an origin that tells them apart.
@Suite(.serialized, .timeLimit(.minutes(1))) struct SharingTests {
    private static let size = 2 << 20
    private let bytes = randomBytes(size, seed: 1)

    /// A download of Anna's that is held in the middle, on a node without supernodes.
    private func withAnnasDownload(
        _ body: (_ node: SwarmNode, _ origin: PausingOrigin, _ resource: Resource, _ anna: TaskDownload) async throws
            -> Void
    ) async throws {
        try await withSwarm(supernodes: 0) { swarm in
            let resource = Resource(url: try #require(ResourceURL("http://origin/file")))
            swarm.origin.user("Anna").set(.init(bytes), at: resource.url)
            let pause = swarm.origin.pause(at: 1 << 20)
            let anna = try await swarm.nodes[0].download(resource, as: "Anna")
            await pause.reached.wait()
            _ = try await anna.head()
            try await body(swarm.nodes[0], swarm.origin, resource, anna)
            pause.release.fire()
            #expect(try await content(of: anna).elementsEqual(bytes))
        }
    }

    @Test("Whoever the origin gives the same content shares the download that is under way")
    func shared() async throws {
        try await withAnnasDownload { node, origin, resource, anna in
            origin.user("Berta").set(.init(bytes), at: resource.url)
            let berta = try await node.download(resource, as: "Berta")
            #expect(berta === anna)
            #expect(origin.user("Berta").requests.count == 1)
            #expect(origin.user("Berta").bytesSent == 0)
        }
    }

    @Test("Whoever the origin refuses gets nothing of it", arguments: [nil, "Carla"])
    func refused(user: String?) async throws {
        try await withAnnasDownload { node, _, resource, _ in
            let error = await #expect(throws: DownloadError.self) { try await node.download(resource, as: user) }
            #expect(error?.code == (user == nil ? .originUnauthorized : .originForbidden))
        }
    }

    @Test("Whoever has other content there gets that, and nothing of it goes to others", arguments: [false, true])
    func other(sameLength: Bool) async throws {
        let own = randomBytes(sameLength ? Self.size : 1_500_000, seed: 2)
        try await withSwarm(supernodes: 0) { swarm in
            let node = swarm.nodes[0]
            let resource = Resource(url: try #require(ResourceURL("http://origin/file")))
            swarm.origin.user("Anna").set(.init(bytes), at: resource.url)
            swarm.origin.user("Berta").set(.init(own), at: resource.url)
            let pause = swarm.origin.pause(at: 1 << 20)
            let anna = try await node.download(resource, as: "Anna")
            await pause.reached.wait()
            let head = try await anna.head()
            async let second = node.download(resource, as: "Berta")
            await eventually { swarm.origin.user("Berta").requests.count == 1 }
            pause.release.fire()
            let berta = try await second
            #expect(try await content(of: berta).elementsEqual(own))
            // Anna goes on reading what is hers, and is never handed what has taken its place.
            _ = try await anna.completion()
            var read = [UInt8](repeating: 0, count: Self.size)
            _ = try read.withUnsafeMutableBytes { try head.file.read(ByteRange(length: Int64($0.count)), into: $0) }
            #expect(read.elementsEqual(bytes))
            await #expect(throws: DownloadError.self) { _ = try await anna.head() }
            #expect(try await content(of: try await node.download(resource, as: "Anna")).elementsEqual(bytes))
        }
    }
}

extension SwarmNode {
    fileprivate func download(_ resource: Resource, as user: String?) async throws -> TaskDownload {
        let credentials = Credentials(headers: user.map { ["Authorization": $0] } ?? [:])
        return try await engine.download(DownloadRequest(resource: resource, credentials: credentials))
    }
}
