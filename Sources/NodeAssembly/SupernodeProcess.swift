package import BackendAPI
import CacheStore
package import CurlTransport
import HTTPService
import Hummingbird
package import NodeConfig
import OriginFetch
import PieceServer
import RateLimiting
import ServiceLifecycle
import SupernodeService

/// A supernode: its store, API and piece server.
package struct SupernodeProcess: Sendable {
    private let process: NodeProcess
    private let configuration: SupernodeConfiguration

    package init(_ configuration: SupernodeConfiguration) {
        self.configuration = configuration
        process = NodeProcess(name: "supernode", log: configuration.log)
    }

    /// Runs until it is told to stop.
    ///
    /// Throws an error with one line for a person where it can not start.
    package func run(_ plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin]) async throws {
        let logger = process.logger
        let transport = CurlTransport(logger: logger)
        var options = TransferOptions()
        options.addresses = configuration.origin.addresses
        let limits = configuration.limits.limits()
        let hosts = HostLimits(configuration.origin.hostLimit)
        let backends = try BackendRegistry.of(options, configuration.backends, hosts) { options in
            plugins(PluginEnvironment(transport: transport, options: options, logger: logger))
        }
        var place = configuration.store
        place.directory = configuration.home
        let store = try await CacheStore.open(place, logger: logger)
        let supernode = Supernode(
            configuration: configuration.peers,
            origin: configuration.origin.fetch,
            limits: limits,
            store: store,
            backends: backends,
            clusterToken: try NodeProcess.token(configuration.cluster),
            logger: logger
        )
        let pieces = pieceListener(supernode, limits)
        let api = apiListener(supernode, pieces, store)
        // The last one is stopped first: with its calls answered and its fetches ended, the listeners drain at once.
        try await process.run([StoreService(store: store), pieces, api, supernode]) {
            "api=\(try await api.bound()) pieces=\(try await pieces.bound())"
        }
        await transport.shutdown()
    }

    private func pieceListener(_ supernode: Supernode, _ limits: NodeLimits) -> HTTPListener {
        let router = ListenerRouters.pieces(PieceRoutes(source: supernode, limits: limits, now: UnixTime.now))
        return HTTPListener(
            name: "pieces",
            configuration: configuration.pieces,
            responder: router.buildResponder(),
            logger: process.logger
        )
    }

    private func apiListener(_ supernode: Supernode, _ pieces: HTTPListener, _ store: CacheStore) -> HTTPListener {
        let routes = SupernodeRoutes(supernode, pieces: pieces)
        let router = ListenerRouters.api(routes, process.operationalRoutes(store))
        return HTTPListener(
            name: "api",
            configuration: configuration.api,
            responder: router.buildResponder(),
            logger: process.logger
        )
    }
}

extension BackendRegistry {
    /// The backends of a node: its plugins behind its settings for origins.
    package static func of(
        _ options: TransferOptions,
        _ entries: [BackendEntry],
        _ hosts: HostLimits = HostLimits(HostLimitConfiguration()),
        plugins: (TransferOptions) -> [any BackendPlugin]
    ) throws(ConfigError) -> BackendRegistry {
        try BackendRegistry(plugins: plugins(options), entries: entries.withRegistryDefault()) { backend, plugin in
            HostLimitedBackend(MeteredBackend(backend, name: plugin), hosts)
        }
    }
}
