import BackendAPI
import CacheStore
import Content
import CurlTransport
import HTTPService
import Hummingbird
import Logging
import NodeConfig
import OriginFetch
import PeerEngine
import PieceServer
import ServiceLifecycle
import TestSupport
import Testing

@testable import SupernodeService

/// Services that run until they are killed.
struct RunningServices: Sendable {
    private let task: Task<Void, any Error>

    init(_ services: [any Service]) {
        let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
        task = Task { try await group.run() }
    }

    /// Ends them at once: connections break, nobody takes leave.
    func kill() async {
        task.cancel()
        _ = await task.result
    }
}

private struct OriginPlugin: BackendPlugin {
    let origin: PausingOrigin
    var name: String { "memory" }
    var schemes: [String] { ["http"] }
    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend { origin }
}

/// Runs so many supernodes and nodes that know them all for the time of `body`.
///
/// `prepare`: what is to be done before with the directory that their stores are in.
func withSwarm(
    supernodes: Int = 1,
    nodes: Int = 1,
    prepare: (String) async throws -> Void = { _ in },
    _ body: (Swarm) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        try await prepare(directory)
        let builder = SwarmBuilder(directory: directory)
        do {
            for number in 0..<supernodes { try await builder.addSupernode("supernode\(number)") }
            for number in 0..<nodes { try await builder.addNode("node\(number)") }
            try await body(builder.swarm)
        } catch {
            await builder.end()
            throw error
        }
        await builder.end()
    }
}

private final class SwarmBuilder {
    private let directory: String
    private let transport = CurlTransport(logger: quiet)
    private let time = WallTime()
    private let origin = PausingOrigin()
    private var supernodes: [SwarmSupernode] = []
    private var nodes: [SwarmNode] = []
    private var stores: [CacheStore] = []

    init(directory: String) { self.directory = directory }

    var swarm: Swarm {
        Swarm(supernodes: supernodes, nodes: nodes, origin: origin, time: time, transport: transport)
    }

    func end() async {
        for node in nodes { await node.server.kill() }
        for supernode in supernodes { await supernode.server.kill() }
        await transport.shutdown()
        for store in stores { await store.close() }
    }

    func addSupernode(_ name: String) async throws {
        let store = try await store(name)
        let origin = PausingOrigin()
        let service = SupernodeService.Supernode(
            configuration: PeerConfiguration(),
            origin: Self.fetching,
            store: store,
            backends: try BackendRegistry(plugins: [OriginPlugin(origin: origin)], entries: []),
            clusterToken: nil,
            clock: time.clock,
            logger: quiet
        )
        let pieces = pieces(of: service)
        let router = Router<ServiceRequestContext>.api()
        SupernodeRoutes(service, pieces: pieces).add(to: router)
        router.get("healthz") { _, _ in Response.text("ok") }
        let api = listener("api", router)
        let server = RunningServices([pieces, api, service])
        let address = try await #require(SupernodeAddress("127.0.0.1:\(api.bound().port ?? 0)"))
        let url = "http://127.0.0.1:\(try await pieces.bound().port ?? 0)"
        supernodes.append(
            SwarmSupernode(service: service, origin: origin, address: address, pieces: url, server: server)
        )
    }

    func addNode(_ name: String) async throws {
        let store = try await store(name)
        var configuration = PeerEngineConfiguration()
        // Long enough for a busy machine: a supernode that lives is never given up.
        configuration.failover = .seconds(60)
        configuration.backToSourceDelay = .zero
        let identity = NodeIdentity(name: name)
        let engine = PeerEngine(
            configuration,
            supernodes: supernodes.map(\.address),
            identity: identity,
            links: PeerEngine.Links(transport: transport, supernode: .loopback, pieces: .loopback),
            backends: try BackendRegistry(plugins: [OriginPlugin(origin: origin)], entries: []),
            origin: Self.fetching,
            store: store,
            clusterToken: nil,
            logger: quiet
        )
        let pieces = pieces(of: engine)
        let server = RunningServices([pieces, engine])
        let port = try await pieces.bound().port ?? 0
        identity.listens(at: port)
        let url = "http://127.0.0.1:\(port)"
        nodes.append(SwarmNode(name: name, engine: engine, store: store, pieces: url, server: server))
    }

    private static var fetching: OriginFetchConfiguration {
        var fetching = OriginFetchConfiguration()
        fetching.retry.attempts = 1
        return fetching
    }

    private func store(_ name: String) async throws -> CacheStore {
        var place = StoreConfiguration()
        place.directory = "\(directory)/\(name)"
        place.freeSpaceFloor = ByteCount(bytes: 0)
        let store = try await CacheStore.open(place, logger: quiet)
        stores.append(store)
        return store
    }

    private func pieces(of source: some PieceSource) -> HTTPListener {
        let router = Router<ServiceRequestContext>.api()
        PieceRoutes(source: source) { [time] in time.checked }.add(to: router)
        return listener("pieces", router)
    }

    private func listener(_ name: String, _ router: Router<ServiceRequestContext>) -> HTTPListener {
        HTTPListener(
            name: name,
            configuration: ListenerConfiguration(address: ListenAddress(.tcp(host: "127.0.0.1", port: 0))),
            responder: router.buildResponder(),
            logger: quiet
        )
    }
}
