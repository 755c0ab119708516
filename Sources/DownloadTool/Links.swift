package import BackendAPI
import Content
package import CurlTransport
package import Logging
import NodeConfig
import PeerEngine

/// Lists the backend plugins that an executable has, over a transport and what holds for all of them.
package typealias ToolPlugins = @Sendable (CurlTransport, TransferOptions, Logger) -> [any BackendPlugin]

/// What a dfget without a daemon talks to others with.
struct Links: Sendable {
    let transport: CurlTransport
    let configuration: ToolConfiguration
    private let limiters: [RateLimiter]
    /// The limit of everything that is sent.
    let total: RateLimiter?

    init(_ configuration: ToolConfiguration, logger: Logger) {
        transport = CurlTransport(logger: logger)
        self.configuration = configuration
        let total = configuration.limits.total.bytesPerSecond.map { RateLimiter(bytesPerSecond: $0) }
        let own = configuration.limits.download.bytesPerSecond.map { RateLimiter(bytesPerSecond: $0) }
        self.total = total
        limiters = [own, total].compactMap { $0 }
    }

    /// The engine's part.
    var engine: PeerEngine.Links {
        PeerEngine.Links(transport: transport, supernode: supernode, pieces: pieces)
    }

    /// Calls to supernodes: the user's own choice of host.
    var supernode: TransferOptions {
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.connectTimeout = .seconds(3)
        options.tls.caFile = configuration.tls.caFile
        return options
    }

    /// Reading from a daemon's socket.
    var daemon: TransferOptions {
        var options = TransferOptions()
        options.rateLimits = limiters
        return options
    }

    private var pieces: TransferOptions {
        var options = TransferOptions()
        // A supernode on this machine has parents on this machine.
        let local = configuration.supernodes.contains { Self.isLocal($0.host) }
        options.addresses = .guarded(allow: allowed + (local ? AddressPrefix.loopback : []))
        options.proxy = .none
        options.tls.caFile = configuration.tls.caFile
        options.rateLimits = limiters
        return options
    }

    /// The backends for going to the origin of `url`.
    func backends(for url: ResourceURL?, _ plugins: ToolPlugins, _ logger: Logger) throws(ToolFailure) -> BackendRegistry {
        var options = TransferOptions()
        // Who names this machine in a URL means it; a redirect to it from elsewhere is something else.
        let local = url.map { Self.isLocal($0.host) } ?? false
        options.addresses = .guarded(allow: allowed + (local ? AddressPrefix.loopback : []))
        options.rateLimits = limiters
        options.tls.caFile = configuration.tls.caFile
        options.tls.verify = !configuration.tls.insecure
        do throws(ConfigError) {
            return try BackendRegistry(plugins: plugins(transport, options, logger), entries: configuration.backends)
        } catch {
            throw ToolFailure(.usage, error.description)
        }
    }

    private var allowed: [AddressPrefix] {
        configuration.allowAddresses.compactMap { AddressPrefix($0.configText) }
    }

    private static func isLocal(_ host: String) -> Bool {
        let name = host.filter { $0 != "[" && $0 != "]" }
        return name == "localhost" || name == "::1" || name.hasPrefix("127.")
    }
}
