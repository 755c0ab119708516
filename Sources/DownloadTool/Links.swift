package import BackendAPI
import Content
import CurlTransport
import Logging
package import NodeAssembly
import NodeConfig
import PeerEngine
import RateLimiting

/// Lists the backend plugins that an executable has.
package typealias ToolPlugins = @Sendable (PluginEnvironment) -> [any BackendPlugin]

/// What a dfget without a daemon talks to others with.
struct Links: Sendable {
    let transport: CurlTransport
    let configuration: ToolConfiguration
    /// What everything that is received or sent keeps.
    let limits: NodeLimits

    init(_ configuration: ToolConfiguration, logger: Logger) {
        transport = CurlTransport(logger: logger)
        self.configuration = configuration
        let total = configuration.totalLimit.bytesPerSecond.map { RateLimiter(bytesPerSecond: $0) }
        limits = configuration.node.limits.limits(within: total)
    }

    /// The engine's part.
    var engine: PeerEngine.Links { configuration.node.links(transport, limits: limits) }

    /// Calls to supernodes: the user's own choice of host.
    var supernode: TransferOptions { engine.supernode }

    /// Reading from a daemon's socket.
    var daemon: TransferOptions {
        var options = TransferOptions()
        options.rateLimits = limits.download.total.map { [$0] } ?? []
        return options
    }

    /// The backends for going to the origin of `url`.
    func backends(
        for url: ResourceURL?,
        _ plugins: ToolPlugins,
        _ logger: Logger
    ) throws(ToolFailure) -> BackendRegistry {
        var options = TransferOptions()
        // Who names this machine in a URL means it; a redirect to it from elsewhere is something else.
        let local = url.map { Self.isLocal($0.host) } ?? false
        options.addresses = .guarded(
            allow: configuration.node.origin.allowAddresses + (local ? NetworkPrefix.loopback : [])
        )
        options.tls.caFile = configuration.tls.caFile
        options.tls.verify = !configuration.tls.insecure
        do throws(ConfigError) {
            let hosts = HostLimits(configuration.node.origin.hostLimit)
            return try BackendRegistry.of(options, configuration.node.backends, hosts) { options in
                plugins(PluginEnvironment(transport: transport, options: options, logger: logger))
            }
        } catch {
            throw ToolFailure(.usage, error.description)
        }
    }

    private static func isLocal(_ host: String) -> Bool {
        guard let address = IPAddress(host) else { return host == "localhost" }
        return NetworkPrefix.loopback.contains { $0.contains(address) }
    }
}
