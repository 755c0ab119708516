import AdmissionWebhook
import BackendAPI
import CacheStore
import Content
import CurlTransport
import HTTPService
import NodeAssembly
import NodeConfig
import NodeControl
import OriginFetch
import PeerEngine
import PieceServer
import ServiceLifecycle
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// Runs a supernode, a node that knows it and a webhook for the time of `body`, with the routers that the daemons have.
func withDescribedServers(_ body: @escaping @Sendable (DescribedServers) async throws -> Void) async throws {
    let description = try APIDescription.load()
    try await withTemporaryDirectory { directory in
        let rig = Rig(directory: directory, isReady: DescribedServers.Flag())
        let stores = [try await rig.store("supernode"), try await rig.store("node")]
        do {
            try await rig.run(description, stores[0], stores[1], body)
        } catch {
            await rig.end(stores)
            throw error
        }
        await rig.end(stores)
    }
}

private struct Rig: Sendable {
    let directory: String
    let isReady: DescribedServers.Flag
    let origin = RefusingOrigin()
    let transport = CurlTransport(logger: quiet)

    func end(_ stores: [CacheStore]) async {
        await transport.shutdown()
        for store in stores { await store.close() }
    }

    func store(_ name: String) async throws -> CacheStore {
        var place = StoreConfiguration()
        place.directory = "\(directory)/\(name)"
        place.freeSpaceFloor = ByteCount(bytes: 0)
        return try await CacheStore.open(place, logger: quiet)
    }

    func run(
        _ description: APIDescription,
        _ supernodeStore: CacheStore,
        _ nodeStore: CacheStore,
        _ body: @escaping @Sendable (DescribedServers) async throws -> Void
    ) async throws {
        let supernode = try supernode(supernodeStore)
        let supernodePieces = pieces(supernode)
        let api = ServedListener(
            "api",
            ListenerRouters.api(SupernodeRoutes(supernode, pieces: supernodePieces.service), operations)
        )
        try await running([supernodePieces.service, api.service, supernode]) {
            let engine = try await node(nodeStore, of: api)
            let nodePieces = pieces(engine)
            let control = ServedListener(
                "control",
                ListenerRouters.control(
                    NodeControlRoutes(engine: engine, description: NodeDescription(name: "test", version: "1", pid: 7))
                ),
                socket: "\(directory)/node.sock"
            )
            let webhook = ServedListener(
                "webhook",
                ListenerRouters.webhook(WebhookRoutes(rules: { RewriteConfiguration() }, isClosed: { false }))
            )
            let health = ServedListener("health", ListenerRouters.health(operations))
            try await running([nodePieces.service, control.service, webhook.service, health.service, engine]) {
                engine.identity.listens(at: try await nodePieces.service.bound().port ?? 0)
                try await body(
                    DescribedServers(
                        description: description,
                        origin: origin,
                        supernode: supernode,
                        transport: transport,
                        api: api,
                        supernodePieces: supernodePieces,
                        nodePieces: nodePieces,
                        control: control,
                        webhook: webhook,
                        health: health,
                        isReady: isReady
                    )
                )
            }
        }
    }

    private var operations: OperationalRoutes {
        OperationalRoutes(
            version: VersionInformation(name: "test", version: "1"),
            checks: [ReadinessCheck("flag") { [isReady] in isReady.isSet ? nil : "it is not set" }],
            metrics: PrometheusRegistry()
        )
    }

    private var fetching: OriginFetchConfiguration {
        var fetching = OriginFetchConfiguration()
        fetching.retry.attempts = 1
        return fetching
    }

    private func backends() throws -> BackendRegistry {
        try BackendRegistry(plugins: [RefusingOrigin.Plugin(origin: origin)], entries: [])
    }

    private func supernode(_ store: CacheStore) throws -> SupernodeService.Supernode {
        SupernodeService.Supernode(
            configuration: PeerConfiguration(),
            origin: fetching,
            store: store,
            backends: try backends(),
            clusterToken: DescribedServers.token,
            logger: quiet
        )
    }

    private func node(_ store: CacheStore, of supernode: ServedListener) async throws -> PeerEngine {
        var configuration = PeerEngineConfiguration()
        configuration.backToSourceDelay = .zero
        return PeerEngine(
            configuration,
            supernodes: [
                try await #require(SupernodeAddress("127.0.0.1:\(supernode.service.bound().port ?? 0)"))
            ],
            identity: NodeIdentity(name: "node"),
            links: PeerEngine.Links(transport: transport, supernode: .loopback, pieces: .loopback),
            backends: try backends(),
            origin: fetching,
            store: store,
            clusterToken: DescribedServers.token,
            logger: quiet
        )
    }

    private func pieces(_ source: some PieceSource) -> ServedListener {
        ServedListener("pieces", ListenerRouters.pieces(PieceRoutes(source: source, now: UnixTime.now)))
    }

    private func running(
        _ services: [any Service],
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }
}

extension TransferOptions {
    /// For calls to servers in this process.
    static var loopback: TransferOptions {
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.connectTimeout = .seconds(3)
        return options
    }
}
