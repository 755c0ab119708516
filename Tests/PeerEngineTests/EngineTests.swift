import BackendAPI
import Content
import CurlTransport
import NodeConfig
import OriginFetch
import RateLimiting
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

/// A node without supernodes, over an origin in memory.
private struct Node: Sendable {
    let engine: PeerEngine
    let origin: MemoryBackend
    let running: Task<Void, any Error>

    func put(_ bytes: [UInt8], at text: String, credentials: HeaderFields = [:]) throws -> Resource {
        let url = try #require(ResourceURL(text))
        var object = MemoryBackend.Object(bytes)
        object.credentials = Credentials(headers: credentials)
        object.freshness.maxAge = .seconds(600)
        origin.set(object, at: url)
        return Resource(url: url)
    }

    func download(_ resource: Resource, credentials: HeaderFields = [:]) async throws -> TaskDownload {
        try await engine.download(
            DownloadRequest(resource: resource, credentials: Credentials(headers: credentials))
        )
    }
}

private struct MemoryPlugin: BackendPlugin {
    let origin: MemoryBackend
    var name: String { "memory" }
    var schemes: [String] { ["http"] }
    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend { origin }
}

private func withNode(
    _ limits: NodeLimits = .unlimited,
    _ body: (Node) async throws -> Void
) async throws {
    try await withStore { store in
        let origin = MemoryBackend()
        var fetching = OriginFetchConfiguration()
        fetching.retry.attempts = 1
        let transport = CurlTransport(TransportConfiguration(), logger: quiet)
        let engine = PeerEngine(
            PeerEngineConfiguration(),
            supernodes: [],
            identity: NodeIdentity(name: "test"),
            links: PeerEngine.Links(
                transport: transport,
                supernode: TransferOptions(),
                pieces: TransferOptions(),
                limits: limits
            ),
            backends: try BackendRegistry(plugins: [MemoryPlugin(origin: origin)], entries: []),
            origin: fetching,
            store: store,
            clusterToken: nil,
            logger: quiet
        )
        let running = Task { try await engine.run() }
        do {
            try await body(Node(engine: engine, origin: origin, running: running))
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try? await running.value
        await transport.shutdown()
    }
}

@Suite(.timeLimit(.minutes(1))) struct EngineTests {
    @Test("However many want it at once, it is fetched once and all of them get it")
    func oneFetch() async throws {
        try await withNode { node in
            let bytes = randomBytes(2_000_000, seed: 1)
            let resource = try node.put(bytes, at: "http://origin/file")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        let download = try await node.download(resource)
                        _ = try await download.completion()
                        #expect(try await download.head().length == 2_000_000)
                        download.release()
                    }
                }
                try await group.waitForAll()
            }
            #expect(node.origin.bytesSent == 2_000_000)
        }
    }

    @Test("What the origin confirms is good from then on, for those who do not want it younger")
    func confirms() async throws {
        try await withNode { node in
            let url = try #require(ResourceURL("http://origin/file"))
            var object = MemoryBackend.Object(randomBytes(1000, seed: 7))
            node.origin.set(object, at: url)
            var order = DownloadRequest(resource: Resource(url: url))
            func get() async throws {
                let download = try await node.engine.download(order)
                _ = try await download.completion()
                download.release()
            }
            func isHeld() async throws -> Bool {
                let held = try await node.engine.held(order)
                held?.release()
                return held != nil
            }
            try await get()
            #expect(try await !isHeld())
            object.freshness.maxAge = .seconds(600)
            node.origin.set(object, at: url)
            try await get()
            #expect(node.origin.requests.count == 2)
            #expect(try await isHeld())
            try await get()
            #expect(node.origin.requests.count == 2)
            order.freshness = FreshnessDemand(maxAge: 0)
            #expect(try await !isHeld())
            try await get()
            #expect(node.origin.requests.count == 3)
            #expect(node.origin.bytesSent == 1000)
        }
    }

    @Test("Whatever a node fetches from an origin itself keeps its limits for origins and for downloads")
    func limits() async throws {
        let limits = NodeLimits(
            upload: RateLimits(each: 1 << 40),
            download: RateLimits(each: 2 << 40),
            origin: RateLimits(each: 3 << 40, within: RateLimiter(bytesPerSecond: 4 << 40))
        )
        try await withNode(limits) { node in
            let resource = try node.put(randomBytes(40_000_000, seed: 6), at: "http://origin/file")
            let download = try await node.download(resource)
            _ = try await download.completion()
            // 16 MiB, a quarter of the rest, and then 4 MiB each.
            #expect(node.origin.requests.count == 7)
            for request in node.origin.requests {
                #expect(request.limits.map(\.rate) == [3 << 40, 2 << 40])
                #expect(request.limits.first === limits.origin.limiter(of: resource.taskID))
            }
        }
    }

    @Test("Private content is given to those whom the origin lets have it")
    func permission() async throws {
        try await withNode { node in
            let right: HeaderFields = ["Authorization": "right"]
            let resource = try node.put(randomBytes(1000, seed: 2), at: "http://origin/file", credentials: right)
            let first = try await node.download(resource, credentials: right)
            _ = try await first.completion()
            first.release()
            for wrong: HeaderFields in [[:], ["Authorization": "wrong"]] {
                await #expect(throws: DownloadError.self) {
                    _ = try await node.download(resource, credentials: wrong).completion()
                }
            }
            let before = node.origin.bytesSent
            _ = try await node.download(resource, credentials: right).completion()
            #expect(node.origin.bytesSent == before)
        }
    }

    @Test("What came to nothing is not remembered: the next one tries anew")
    func failure() async throws {
        try await withNode { node in
            let url = try #require(ResourceURL("http://origin/file"))
            let failed = try await node.download(Resource(url: url))
            let error = await #expect(throws: DownloadError.self) { _ = try await failed.completion() }
            #expect(error?.code == .originNotFound)
            failed.release()
            let resource = try node.put([1, 2, 3], at: "http://origin/file")
            #expect(try await node.download(resource).completion().origin == 3)
        }
    }

    @Test("What broke off is continued, and a reader gets it while it comes")
    func continues() async throws {
        try await withNode { node in
            let bytes = randomBytes(40 << 20, seed: 3)
            let resource = try node.put(bytes, at: "http://origin/file")
            node.origin.fail(.closed(after: 5 << 20))
            let broken = try await node.download(resource)
            await #expect(throws: DownloadError.self) { _ = try await broken.completion() }
            broken.release()
            let before = node.origin.bytesSent
            let download = try await node.download(resource)
            let head = try await download.head()
            var end: Int64 = 0
            try await download.read(head, nil) { end = $0.end }
            #expect(end == Int64(bytes.count))
            #expect(node.origin.bytesSent - before <= Int64(bytes.count) - (4 << 20))
            download.release()
        }
    }

    @Test("A node that has shut down refuses downloads instead of leaving them waiting")
    func afterShutdown() async throws {
        try await withNode { node in
            let resource = try node.put([1], at: "http://origin/file")
            node.running.cancel()
            try? await node.running.value
            let download = try await node.download(resource)
            let error = await #expect(throws: DownloadError.self) { _ = try await download.completion() }
            #expect(error?.code == .shuttingDown)
        }
    }
}
