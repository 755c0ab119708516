import BackendAPI
import Content
import CurlTransport
import OriginTransfer
import RegistryProtocol

/// The registries of the configuration, by the names that clients use.
struct Upstreams: Sendable {
    /// Why a request is for no registry of this node.
    enum Refusal: Error, Sendable, Hashable {
        /// The path is none of the registry API's.
        case noEndpoint
        /// It names a registry that is not configured, and that is never dialled.
        case unknownRegistry
    }

    private let remote: Upstream?
    private let named: [String: Upstream]
    private let allowed: [HostPattern]
    private let options: TransferOptions

    /// `options` are the node's settings for origins.
    init(_ configuration: MirrorConfiguration, options: TransferOptions) {
        var options = options
        // A client is told where a registry redirects it, and decides itself.
        options.followRedirects = false
        self.options = options
        var named: [String: Upstream] = [:]
        for registry in configuration.registries {
            guard let base = RegistryBase(registry.url ?? "https://\(ImageReference.apiHost(of: registry.host))")
            else { continue }
            var own = options
            if !registry.caFiles.isEmpty { own.tls.caFiles = registry.caFiles }
            if registry.insecure { own.tls.verify = false }
            let name = ImageReference.canonicalHost(registry.host)
            named[name] = Upstream(name: name, base: base, options: own, logins: registry.logins)
        }
        if named[ImageReference.dockerHub] == nil { named[ImageReference.dockerHub] = Self.dockerHub(options) }
        remote = configuration.remote.flatMap { RegistryBase($0) }.map { base in
            // One registry has one certificate and one login, by whatever name it is asked for.
            named.values.filter { $0.base == base }.min { $0.name < $1.name }
                ?? Upstream(
                    name: ImageReference.canonicalHost(base.url.authority),
                    base: base,
                    options: options,
                    logins: RegistryLogins()
                )
        }
        self.named = named
        allowed = configuration.allow.compactMap { HostPattern($0) }
    }

    private static func dockerHub(_ options: TransferOptions) -> Upstream? {
        RegistryBase("https://\(ImageReference.apiHost(of: ImageReference.dockerHub))").map {
            Upstream(name: ImageReference.dockerHub, base: $0, options: options, logins: RegistryLogins())
        }
    }

    /// What a request for `path` (percent-encoded) with `query` is for.
    ///
    /// The registry is the one that `ns=` names, else the one that the path's first component names, else the remote.
    func target(path: String, query: String?) throws(Refusal) -> MirrorTarget {
        let (namespace, rest) = try Self.namespace(query)
        if let namespace {
            guard let place = RegistryPath(path) else { throw .noEndpoint }
            guard let upstream = upstream(named: namespace) else { throw .unknownRegistry }
            return Self.target(upstream, .namespace(namespace), place, rest)
        }
        if let (name, stripped) = Self.prefix(of: path), let upstream = upstream(named: name),
            let place = RegistryPath(stripped)
        {
            return Self.target(upstream, .prefix(name), place, rest)
        }
        guard let place = RegistryPath(path) else { throw .noEndpoint }
        guard let remote else { throw .unknownRegistry }
        return Self.target(remote, .remote, place, rest)
    }

    /// Whether there is a registry for requests that name none.
    var hasRemote: Bool { remote != nil }

    private static func target(
        _ upstream: Upstream,
        _ form: MirrorTarget.Form,
        _ place: RegistryPath,
        _ query: String?
    ) -> MirrorTarget {
        // Docker Hub's own images are known by short names, but its API does not know these.
        let path = upstream.isDockerHub ? place.withOfficialRepository : place
        return MirrorTarget(upstream: upstream, form: form, path: path, query: query)
    }

    /// The registry of a name that a client gives: a configured one, Docker Hub, or one that the configuration allows.
    private func upstream(named name: String) -> Upstream? {
        let name = ImageReference.canonicalHost(name)
        if let upstream = named[name] { return upstream }
        if let remote, remote.name == name { return remote }
        guard !allowed.isEmpty, let base = RegistryBase("https://\(name)"), base.url.authority == name,
            allowed.contains(where: { $0.matches(base.url) })
        else { return nil }
        return Upstream(name: name, base: base, options: options, logins: RegistryLogins())
    }

    /// The value of `ns`, and the query without it.
    private static func namespace(_ query: String?) throws(Refusal) -> (name: String?, rest: String?) {
        var rest: [Substring] = []
        var namespace: String?
        for pair in (query ?? "").split(separator: "&", omittingEmptySubsequences: true) {
            if pair.hasPrefix("ns=") {
                guard namespace == nil, let name = ResourceURL.percentDecoded(pair.dropFirst(3)) else {
                    throw .unknownRegistry
                }
                namespace = name.lowercased()
            } else {
                rest.append(pair)
            }
        }
        return (namespace, rest.isEmpty ? nil : rest.joined(separator: "&"))
    }

    /// The first component behind `/v2/`, and the path without it.
    private static func prefix(of path: String) -> (name: String, stripped: String)? {
        guard path.hasPrefix("/v2/") else { return nil }
        let rest = path.dropFirst(4)
        guard let slash = rest.firstIndex(of: "/"), let name = ResourceURL.percentDecoded(rest[..<slash])
        else { return nil }
        return (name.lowercased(), "/v2" + rest[slash...])
    }
}
