import Content
import CurlTransport

/// A registry that requests are passed on to.
struct Upstream: Sendable {
    let base: RegistryBase
    let options: TransferOptions

    /// The URL of a path and query there.
    func url(path: String, query: String?) -> String {
        base.url.origin + path + (query.map { "?\($0)" } ?? "")
    }
}

/// The registries of the configuration, by the name that clients use.
struct Upstreams: Sendable {
    private let remote: Upstream?
    private let named: [String: Upstream]

    /// `options` are the node's settings for origins.
    init(_ configuration: MirrorConfiguration, options: TransferOptions) {
        var options = options
        // A client is told where a registry redirects it, and decides itself.
        options.followRedirects = false
        var remote = RegistryBase(configuration.remote).map { Upstream(base: $0, options: options) }
        var named: [String: Upstream] = [:]
        for registry in configuration.registries {
            guard let base = RegistryBase(registry.url ?? "https://\(registry.host)") else { continue }
            var own = options
            own.tls.caFile = registry.caFile ?? options.tls.caFile
            if registry.insecure { own.tls.verify = false }
            let upstream = Upstream(base: base, options: own)
            named[registry.host.lowercased()] = upstream
            // One registry has one certificate, by whatever name it is asked for.
            if base == remote?.base { remote = upstream }
        }
        self.remote = remote
        self.named = named
    }

    /// The registry that a request is for, and its query without `ns`.
    ///
    /// Nil: it names one that is not configured, and that is never dialled.
    func upstream(forQuery query: String?) -> (upstream: Upstream, query: String?)? {
        var rest: [Substring] = []
        var namespace: String?
        for pair in (query ?? "").split(separator: "&", omittingEmptySubsequences: true) {
            if pair.hasPrefix("ns=") {
                guard namespace == nil, let name = ResourceURL.percentDecoded(pair.dropFirst(3)) else { return nil }
                namespace = name.lowercased()
            } else {
                rest.append(pair)
            }
        }
        let kept = rest.isEmpty ? nil : rest.joined(separator: "&")
        guard let namespace else { return remote.map { ($0, kept) } }
        if let upstream = named[namespace] { return (upstream, kept) }
        guard let remote, remote.base.url.authority == namespace else { return nil }
        return (remote, kept)
    }
}
