import CoreMetrics
import HTTPService
import Hummingbird
import Logging
import ServiceLifecycle

/// A running listener.
struct Running: Sendable {
    let address: BoundAddress
    let group: ServiceGroup

    var port: Int { address.port ?? 0 }
    func url(_ path: String, scheme: String = "http") -> String { "\(scheme)://127.0.0.1:\(port)\(path)" }
}

let quietLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a listener with the given routes for as long as `body` runs, then shuts it down gracefully.
func withListener<Result>(
    _ configuration: ListenerConfiguration = .local(),
    logger: Logger = quietLogger,
    metrics: any MetricsFactory = NOOPMetricsHandler.instance,
    tls: ServerTLS? = nil,
    routes: (Router<ServiceRequestContext>) -> Void,
    _ body: (Running) async throws -> Result
) async throws -> Result {
    let router = Router(context: ServiceRequestContext.self)
    router.add(middleware: APIErrorMiddleware())
    routes(router)
    let listener = HTTPListener(
        name: "test",
        configuration: configuration,
        responder: router.buildResponder(),
        logger: logger,
        metrics: metrics,
        tls: tls
    )
    let group = ServiceGroup(configuration: .init(services: [listener], logger: quietLogger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let result = try await body(Running(address: try await listener.bound(), group: group))
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return result
    }
}

extension ListenerConfiguration {
    /// A free port on 127.0.0.1, and no patience at the end.
    static func local() -> ListenerConfiguration {
        var configuration = ListenerConfiguration(address: ListenAddress(.tcp(host: "127.0.0.1", port: 0)))
        configuration.drain = .milliseconds(500)
        return configuration
    }
}
