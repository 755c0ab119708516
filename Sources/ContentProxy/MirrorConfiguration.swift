import Content
package import NodeConfig

/// Which registries a node mirrors: the `registry_mirror:` section.
package struct MirrorConfiguration: Sendable, Configurable {
    /// The registry that requests go to which name none; if ``registries`` has it too, with the settings it has there.
    package var remote = "https://registry-1.docker.io"
    /// Further registries that containerd may name with `ns=`.
    package var registries: [MirroredRegistry] = []
    /// What the file has of Dragonfly 1's own keys.
    package private(set) var dragonfly = DragonflyMirror()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("remote", &remote)
        let isBase = RegistryBase(remote) != nil
        try fields.check("remote", isBase, "must be the base URL of a registry such as https://registry-1.docker.io")
        try fields.sections("registries", &registries) { MirroredRegistry() }
        var keys = DragonflyMirror()
        try fields.foreign { (fields) throws(ConfigError) in try keys.bind(&fields) }
        dragonfly = keys
        if let registry = keys.registry(at: remote, besides: registries) { registries.append(registry) }
    }
}

/// A registry that may be asked.
package struct MirroredRegistry: Sendable, Configurable {
    /// The name that clients know it by, such as `quay.io`.
    package var host = ""
    /// Where it is; without it `https://<host>`.
    package var url: String?
    /// A file with the certificates of the authority that signed the registry's.
    package var caFile: String?
    /// Take whatever certificate it shows.
    package var insecure = false

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("host", &host)
        try fields.check("host", !host.isEmpty, "must be named")
        try fields.optional("url", &url)
        let isBase = url.map { RegistryBase($0) != nil } ?? (RegistryBase("https://\(host)") != nil)
        try fields.check("url", isBase, "must be the base URL of a registry such as https://quay.io")
        try fields.optional("ca_file", &caFile)
        try fields.checkCertificates("ca_file", caFile)
        try fields.value("insecure", &insecure)
    }
}

extension MirroredRegistry {
    /// Host and port of where it is.
    package var authority: String? { RegistryBase(url ?? "https://\(host)")?.url.authority }
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
