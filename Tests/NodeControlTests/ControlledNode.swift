import BackendAPI
import CacheStore
import Content
import CurlTransport
import HTTPService
import Hummingbird
import Logging
import NodeConfig
import NodeControl
import OriginFetch
import PeerEngine
import ServiceLifecycle
import TestSupport
import WireAPI

/// A node without supernodes over an origin in memory, and a client at its control socket.
struct ControlledNode: Sendable {
    let origin: MemoryBackend
    let client: NodeControlClient
    let transport: CurlTransport
    let socket: String

    /// The plugin that stands for all origins of `mem:` URLs.
    private struct Plugin: BackendPlugin {
        let backend: any Backend
        let name = "memory"
        let schemes = ["mem"]
        func makeBackend(_ options: RawConfig) -> any Backend { backend }
    }

    /// Runs a node for as long as `body`; `wrapping` may put something in front of the origin.
    static func run(
        wrapping: (MemoryBackend) -> any Backend = { $0 },
        _ body: @escaping @Sendable (ControlledNode) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { home in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            var place = StoreConfiguration()
            place.directory = home + "/store"
            place.freeSpaceFloor = ByteCount(bytes: 0)
            let store = try await CacheStore.open(place, logger: logger)
            let origin = MemoryBackend()
            let transport = CurlTransport(logger: logger)
            let options = TransferOptions()
            let engine = PeerEngine(
                PeerEngineConfiguration(),
                supernodes: [],
                identity: NodeIdentity(name: "test"),
                links: PeerEngine.Links(transport: transport, supernode: options, pieces: options),
                backends: try BackendRegistry(plugins: [Plugin(backend: wrapping(origin))], entries: []),
                origin: OriginFetchConfiguration(),
                store: store,
                clusterToken: nil,
                logger: logger
            )
            let router = Router<ServiceRequestContext>.api()
            let description = NodeDescription(name: "test", version: "1", pid: 7)
            NodeControlRoutes(engine: engine, description: description).add(to: router)
            let socket = home + "/node.sock"
            var configuration = ListenerConfiguration(address: ListenAddress(.unix(path: socket)))
            configuration.drain = .milliseconds(500)
            let listener = HTTPListener(
                name: "control",
                configuration: configuration,
                responder: router.buildResponder(),
                logger: logger
            )
            let group = ServiceGroup(configuration: .init(services: [engine, listener], logger: logger))
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                _ = try await listener.bound()
                let client = NodeControlClient(socket: socket, transport: transport)
                let node = ControlledNode(origin: origin, client: client, transport: transport, socket: socket)
                let result: Result<Void, any Error>
                do { result = .success(try await body(node)) } catch { result = .failure(error) }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                try result.get()
            }
            await transport.shutdown()
            await store.close()
        }
    }

    /// Asks for a URL, and takes everything.
    func get(
        _ url: String,
        digest: Digest? = nil,
        credentials: HeaderFields = [:],
        limit: Int64? = nil,
        continuing: (offset: Int64, generation: Generation)? = nil
    ) async throws -> (summary: TransferSummary, body: [UInt8]) {
        let sink = Collector()
        let wanted = NodeDownloadRequest(
            url: ResourceURL(url),
            digest: digest,
            tag: nil,
            ignoredQuery: [],
            headers: [:],
            credentials: credentials,
            pattern: .p2p,
            notBackToSource: false,
            limit: limit
        )
        let summary = try await client.download(wanted, continuing: continuing, into: sink)
        return (summary, sink.bytes)
    }
}
