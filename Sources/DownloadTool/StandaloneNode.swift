import BackendAPI
import Content
import HTTPService
import Logging
import NodeAssembly
import OriginFetch
import PeerEngine
import ServiceLifecycle
import WireAPI

/// A node for the length of one download: an engine, and a piece server where there are supernodes to tell of it.
struct StandaloneNode: Sendable {
    let engine: PeerEngine
    let identity: NodeIdentity
    private let listener: HTTPListener?
    private let logger: Logger

    init(
        _ links: Links,
        for order: DownloadOrder,
        name: String,
        plugins: ToolPlugins,
        logger: Logger
    ) throws(ToolFailure) {
        let configuration = links.configuration
        let supernodes = order.pattern == .source ? [] : configuration.node.supernodes
        identity = NodeIdentity(
            name: name,
            address: configuration.ip,
            speaksTLS: configuration.node.pieces.tls != nil
        )
        engine = PeerEngine(
            configuration.node.peer,
            supernodes: supernodes,
            identity: identity,
            links: links.engine,
            backends: try links.backends(for: order.resource?.url, plugins, logger),
            origin: configuration.node.origin.fetch,
            store: nil,
            clusterToken: try configuration.node.cluster.token(),
            logger: logger
        )
        listener =
            supernodes.isEmpty
            ? nil
            : HTTPListener.pieces(
                of: engine,
                configuration.node.pieces,
                slots: configuration.node.peer.uploadSlots,
                limits: links.limits,
                activity: Activity(),
                logger: logger
            )
        self.logger = logger
    }

    /// Runs the node for as long as `body`, which is given the piece server, and then takes leave of the supernodes.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable (_ pieces: HTTPListener?) async throws -> Value
    ) async throws -> Value {
        let services: [any Service] = if let listener { [listener, engine] } else { [engine] }
        let group = ServiceGroup(configuration: .init(services: services, logger: logger))
        return try await withThrowingTaskGroup(of: Value?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask {
                let port = try await listener?.bound().port ?? 0
                identity.listens(at: port)
                return try await body(listener)
            }
            defer { tasks.cancelAll() }
            let result: Result<Value, any Error>
            do {
                guard let value = try await tasks.next(), let value else {
                    throw ToolFailure(.failure, "the node ended before the download")
                }
                result = .success(value)
            } catch {
                result = .failure(error)
            }
            await group.triggerGracefulShutdown()
            // Taking leave is a courtesy: nobody waits for a supernode that is gone.
            tasks.addTask {
                try? await Task.sleep(for: .milliseconds(500))
                return nil
            }
            _ = try? await tasks.next()
            return try result.get()
        }
    }
}
