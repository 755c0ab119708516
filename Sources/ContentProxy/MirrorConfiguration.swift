import BackendAPI
import Content
package import NodeConfig
package import OriginTransfer
import RegistryProtocol

/// Which registries a node mirrors: the `registry_mirror:` section.
package struct MirrorConfiguration: Sendable, Configurable {
    /// The registry that requests go to which name none; if ``registries`` has it too, with the settings it has there.
    ///
    /// Nil: every request has to name one.
    package var remote: String? = "https://registry-1.docker.io"
    /// Further registries that clients may name, by `ns=` or by the first component of the path.
    package var registries: [MirroredRegistry] = []
    /// Patterns of the names of more registries that may be dialled: `host`, `host:port`, `*.domain`.
    package var allow: [String] = []
    package var manifests = ManifestConfiguration()
    /// What the file has of Dragonfly 1's own keys.
    package private(set) var dragonfly = DragonflyMirror()
    /// When nothing of a blob has arrived for so long, its client gets it straight from the registry.
    package var patience = Duration.seconds(30)
    /// What becomes of the rest of a blob of which only parts are asked for.
    package var prefetch = Prefetch.rest

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("remote", &remote)
        let isBase = remote.map { RegistryBase($0) != nil } ?? true
        try fields.check("remote", isBase, "must be the base URL of a registry such as https://registry-1.docker.io")
        try fields.sections("registries", &registries) { MirroredRegistry() }
        var names: Set<String> = []
        for registry in registries {
            let isNew = names.insert(ImageReference.canonicalHost(registry.host)).inserted
            try fields.check("registries", isNew, "has \(registry.host) twice")
        }
        try fields.list("allow", &allow)
        for pattern in allow {
            try fields.check("allow", HostPattern(pattern) != nil, "'\(pattern)' is no host, host:port or *.domain")
        }
        try fields.section("manifests", &manifests)
        var keys = DragonflyMirror()
        try fields.foreign { (fields) throws(ConfigError) in try keys.bind(&fields) }
        dragonfly = keys
        if let remote, let registry = keys.registry(at: remote, besides: registries) { registries.append(registry) }
        try fields.value("patience", &patience)
        try fields.check("patience", patience > .zero, "must be more than 0")
        try fields.value("prefetch", &prefetch)
    }
}

extension MirrorConfiguration {
    /// How long a registry may say nothing about a tag, or about what it has: one that says nothing for so long does not say much later either.
    var patienceWithTags: Duration { min(patience, .seconds(10)) }
}

/// What becomes of the rest of a blob of which only parts are asked for.
package enum Prefetch: String, Sendable, CaseIterable, ConfigValue {
    /// It is fetched, too.
    case rest
    /// It stays where it is.
    case none
}

/// A registry that may be asked.
package struct MirroredRegistry: Sendable, Configurable {
    /// The name that clients know it by, such as `quay.io`.
    package var host = ""
    /// Where it is; without it `https://<host>`.
    package var url: String?
    /// Files with the certificates of the authorities that may have signed the registry's.
    package var caFiles: [String] = []
    /// Take whatever certificate it shows.
    package var insecure = false
    /// Who the node is there, for clients that do not log in themselves.
    package var logins = RegistryLogins()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("host", &host)
        try fields.check("host", !host.isEmpty, "must be named")
        try fields.optional("url", &url)
        let isBase = url.map { RegistryBase($0) != nil } ?? (RegistryBase("https://\(host)") != nil)
        try fields.check("url", isBase, "must be the base URL of a registry such as https://quay.io")
        try fields.oneOrMore("ca_file", &caFiles)
        for file in caFiles { try fields.checkCertificates("ca_file", file) }
        try fields.value("insecure", &insecure)
        try logins.bind(&fields)
    }
}

extension MirroredRegistry {
    /// Host and port of where it is.
    package var authority: String? { RegistryBase(url ?? "https://\(host)")?.url.authority }
}

/// How what tags name is kept: the `manifests:` section.
package struct ManifestConfiguration: Sendable, Configurable {
    /// How long the registry's word on a tag is believed without asking again.
    package var freshness = Duration.zero
    /// Whether a tag that was looked up before is answered while the registry can not be reached.
    package var staleIfError = true

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("freshness", &freshness)
        try fields.value("stale_if_error", &staleIfError)
    }
}

/// The base URL of a registry: scheme and authority, nothing else.
struct RegistryBase: Sendable, Hashable {
    let url: ResourceURL

    init?(_ text: String) {
        guard let url = ResourceURL(text), ["http", "https"].contains(url.scheme), url.path == "/", url.query == nil,
            url.userInfo == nil
        else { return nil }
        self.url = url
    }
}
