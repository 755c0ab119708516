import AdmissionWebhook
import CurlTransport
import HTTPService
import Hummingbird
import Logging
import Metrics
import NodeConfig
import ServiceLifecycle
import Synchronization

/// The admission webhook: its listener, health and metrics, the gate, and the certificate where it keeps that itself.
package struct WebhookProcess: Sendable {
    private let process: NodeProcess
    private let configuration: WebhookConfiguration
    private let live: LiveFile<WebhookConfiguration>

    /// `path`: the file that the configuration is from, which is read again when it changes; nil: it is from none.
    package init(_ configuration: WebhookConfiguration, path: String?) {
        let process = NodeProcess(name: "dfwebhook", log: configuration.log)
        self.process = process
        self.configuration = configuration
        let watch = ConfigurationWatch(logger: process.logger)
        live = LiveFile(path, value: configuration) { path throws(ConfigError) in
            let text = try ConfigFile.read(path)
            // It would be all defaults, without a gate; more likely somebody has just begun to write it.
            guard !text.isEmpty else { throw ConfigError(file: path, message: "is empty") }
            var read = WebhookConfiguration()
            try ConfigFile.parse(text: text, file: path, into: &read)
            return read
        } report: {
            watch.report($0, $1)
        }
    }

    /// Runs until it is told to stop.
    ///
    /// Throws an error with one line for a person where it can not start.
    package func run() async throws {
        let transport = CurlTransport(logger: process.logger)
        let client = try client(transport)
        let probe = NetworkProbe(transport: transport, client: client)
        let gate = NetworkGate({ [live] in live.current.gate }, probe: probe, logger: process.logger)
        let keeper = client.flatMap(keeper(with:))
        guard configuration.webhook.listener.tls != nil || keeper != nil else {
            throw ConfigError(
                message: "webhook.tls, or certificates.secret, must be set: kube-apiserver speaks TLS only"
            )
        }
        let webhook = HTTPListener(
            name: "webhook",
            configuration: configuration.webhook.listener,
            responder: ListenerRouters.webhook(routes(gate)).buildResponder(),
            logger: process.logger,
            tls: keeper?.tls
        )
        var checks = [ReadinessCheck("gate") { gate.hasLooked ? nil : "the network has not been looked at yet" }]
        if let keeper = keeper?.keeper { checks.append(ReadinessCheck("certificate") { keeper.trouble }) }
        let health = HTTPListener(
            name: "health",
            configuration: configuration.health,
            responder: ListenerRouters.health(process.operationalRoutes(checks)).buildResponder(),
            logger: process.logger
        )
        let kept: [any Service] = keeper.map { [$0.keeper] } ?? []
        let services: [any Service] = [health] + kept + [gate, webhook]
        try await process.run(services, reload: { [live] in live.reload() }) {
            _ = try await webhook.bound()
            await keeper?.keeper.ready()
            return "webhook=\(try await webhook.bound()) health=\(try await health.bound())"
        }
        await transport.shutdown()
    }

    private func routes(_ gate: NetworkGate) -> WebhookRoutes {
        WebhookRoutes(rules: { [live] in live.current.rules }, isClosed: { gate.reason != nil })
    }

    /// Nil: there is no API that can be asked, and nothing that needs it yet.
    private func client(_ transport: CurlTransport) throws(ConfigError) -> KubernetesClient? {
        do throws(ConfigError) {
            return try KubernetesClient(configuration.kubernetes, transport: transport)
        } catch {
            let isNeeded = !configuration.gate.daemonSet.isEmpty || keepsCertificate
            guard isNeeded else { return nil }
            throw error
        }
    }

    private var keepsCertificate: Bool {
        configuration.webhook.listener.tls == nil && !configuration.certificates.secret.isEmpty
    }

    private func keeper(with client: KubernetesClient) -> (keeper: CertificateKeeper, tls: ServerTLS)? {
        guard keepsCertificate else { return nil }
        let tls = ServerTLS()
        let keeper = CertificateKeeper(
            configuration.certificates,
            client: client,
            tls: tls,
            logger: process.logger
        )
        return (keeper, tls)
    }
}

/// Tells what becomes of a configuration that is read again.
private final class ConfigurationWatch: Sendable {
    private struct State {
        /// What held at the start, and what was read last; nil: nothing has been read again.
        var fixed: String?
        var text: String?
    }

    private let state = Mutex(State())
    private let logger: Logger
    private let isGood = Gauge(label: "darter_webhook_configuration_good")

    init(logger: Logger) {
        self.logger = logger
        isGood.record(1)
    }

    func report(_ configuration: WebhookConfiguration?, _ error: ConfigError?) {
        isGood.record(error == nil ? 1 : 0)
        if let error {
            Counter(label: "darter_webhook_errors_total", dimensions: [("reason", "configuration")]).increment()
            logger.error("the configuration from before stays", metadata: ["error": "\(error)"])
        } else if let configuration {
            let (text, fixed) = (printed(configuration), configuration.fixed)
            let (changed, needsRestart) = state.withLock { state in
                defer { state = State(fixed: state.fixed ?? fixed, text: text) }
                return (state.text.map { $0 != text } ?? false, state.fixed.map { $0 != fixed } ?? false)
            }
            if changed { logger.notice("the configuration was read again") }
            if changed, needsRestart {
                logger.warning("what listens, logs and keeps certificates changes with a restart only")
            }
        }
    }
}
