package import BackendAPI
import CacheStore
import ContentProxy
import CurlTransport
import Foundation
import HTTPService
import Hummingbird
import Logging
import NodeControl
import OriginFetch
import PeerEngine
import ServiceLifecycle
import WireAPI

/// A node's daemon: store, engine and piece server, the registry mirror and proxy, the control socket, health and metrics.
package struct DaemonProcess: Sendable {
    private let process: NodeProcess
    private let configuration: DaemonConfiguration

    package init(_ configuration: DaemonConfiguration) {
        self.configuration = configuration
        process = NodeProcess(name: "dfdaemon", log: configuration.log)
    }

    /// Runs until it is told to stop.
    ///
    /// Throws an error with one line for a person where it can not start.
    package func run(_ plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin]) async throws {
        if let notice = configuration.notice { process.logger.notice("\(notice)") }
        let store = try await CacheStore.open(configuration.place, logger: process.logger)
        let interceptor = try Interceptor(configuration.interception)
        var peer = configuration.node
        peer.backends = try configuration.allBackends
        let node = try PeerNode(
            peer,
            name: "\(ProcessInfo.processInfo.hostName)/dfdaemon",
            store: store,
            tlsOfPlace: { host, port in interceptor.tls(ofHost: host, port: port) },
            logger: process.logger,
            plugins: plugins
        )
        let jobs = BackgroundJobs()
        let proxy = listener("proxy", configuration.proxy, responder(node, interceptor, jobs))
        let health = listener("health", configuration.health, operations(node))
        let socket = "\(configuration.home)/dfdaemon.sock"
        let control = listener("control", .init(address: ListenAddress(.unix(path: socket))), control(node))
        let services: [any Service] = [
            StoreService(store: store), JobService(jobs: jobs), node.engine, node.pieces, health,
            control, proxy,
        ]
        try await process.run(services) {
            node.engine.identity.listens(at: try await node.pieces.bound().port ?? 0)
            let addresses = "proxy=\(try await proxy.bound()) pieces=\(try await node.pieces.bound())"
            _ = try await control.bound()
            return "\(addresses) health=\(try await health.bound()) socket=\(socket)"
        }
        await node.transport.shutdown()
    }

    private func responder(_ node: PeerNode, _ interceptor: Interceptor, _ jobs: BackgroundJobs) -> ProxyResponder {
        ProxyResponder(
            configuration.access,
            interceptor: interceptor,
            mirror: MirrorResponder(
                configuration.mirror,
                engine: node.engine,
                transport: node.transport,
                options: node.relayOptions,
                jobs: jobs
            ),
            forward: ForwardResponder(
                configuration.rules,
                mirror: configuration.mirror,
                engine: node.engine,
                transport: node.transport,
                options: node.relayOptions,
                jobs: jobs
            ),
            transport: node.transport,
            options: node.relayOptions
        )
    }

    private func operations(_ node: PeerNode) -> some HTTPResponder<ServiceRequestContext> {
        ListenerRouters.health(process.operationalRoutes(checks: [])).buildResponder()
    }

    private func control(_ node: PeerNode) -> some HTTPResponder<ServiceRequestContext> {
        let description = NodeDescription(
            name: "dfdaemon",
            version: DarterVersion.current,
            pid: ProcessInfo.processInfo.processIdentifier
        )
        return ListenerRouters.control(NodeControlRoutes(engine: node.engine, description: description))
            .buildResponder()
    }

    private func listener(
        _ name: String,
        _ configuration: ListenerConfiguration,
        _ responder: some HTTPResponder<ServiceRequestContext>
    ) -> HTTPListener {
        HTTPListener(name: name, configuration: configuration, responder: responder, logger: process.logger)
    }
}

/// Runs what outlives single requests.
struct JobService: Service {
    let jobs: BackgroundJobs

    func run() async { await jobs.run() }
}
