import CacheStore
package import CurlTransport
import FoundationEssentials
import Glibc
import HTTPService
package import Logging
import Metrics
import NodeConfig
import ServiceLifecycle
import UnixSignals
import WireAPI

/// What the plugins of a process are made with.
package struct PluginEnvironment: Sendable {
    /// Moves the plugins' bytes.
    package let transport: CurlTransport
    /// The node's settings for origins: addresses, limits.
    package let options: TransferOptions
    package let logger: Logger

    package init(transport: CurlTransport, options: TransferOptions, logger: Logger) {
        self.transport = transport
        self.options = options
        self.logger = logger
    }
}

/// What every long-lived process of ours does when it starts.
package struct NodeProcess: Sendable {
    package let name: String
    package let logger: Logger
    let metrics: PrometheusRegistry

    /// Sets logging (to standard error) and metrics up.
    ///
    /// To be called once in a process.
    package init(name: String, log: LogConfiguration) {
        self.name = name
        // Where the zone is not named, the C library looks at its file for every line of the log.
        setenv("TZ", ":/etc/localtime", 0)
        let level = Logger.Level(rawValue: log.level.rawValue) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        metrics = PrometheusRegistry()
        MetricsSystem.bootstrap(metrics)
        logger = Logger(label: name)
    }

    /// Runs services until SIGTERM or SIGINT, then shuts them down in the reverse order.
    ///
    /// SIGHUP ends nothing: to others it means that the configuration is to be read again, which `reload` does where it can be done.
    func run(
        _ services: [any Service],
        reload: (@Sendable () -> Void)? = nil,
        ready: @escaping @Sendable () async throws -> String
    ) async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: ([Hangups(logger: logger, reload: reload)] + services).map {
                    .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        let name = name
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { announce("\(name) ready \(try await ready())") }
            try await tasks.waitForAll()
        }
    }

    /// Ready is whoever can keep what it fetches.
    func operationalRoutes(_ store: CacheStore) -> OperationalRoutes {
        operationalRoutes([ReadinessCheck("store") { store.trouble() }])
    }

    func operationalRoutes(_ checks: [ReadinessCheck]) -> OperationalRoutes {
        OperationalRoutes(
            version: VersionInformation(name: name, version: DarterVersion.current),
            checks: checks,
            metrics: metrics
        )
    }

    /// The cluster's secret.
    static func token(_ cluster: ClusterConfiguration) throws(ConfigError) -> String? {
        guard let path = cluster.tokenFile else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigError(message: "cluster.token_file: \(path) can not be read")
        }
        let line = String(decoding: data, as: UTF8.self).prefix { !$0.isNewline }
        guard !line.isEmpty else { throw ConfigError(message: "cluster.token_file: \(path) is empty") }
        return String(line)
    }
}

/// Does at SIGHUP what there is to do, or says that it changes nothing.
private struct Hangups: Service {
    let logger: Logger
    let reload: (@Sendable () -> Void)?

    func run() async {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            if let reload {
                reload()
            } else {
                logger.notice("SIGHUP: the configuration is read at the start only; restart to change it")
            }
        }
    }
}

/// One line on standard output, at once.
private func announce(_ line: String) {
    var rest = Array("\(line)\n".utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
