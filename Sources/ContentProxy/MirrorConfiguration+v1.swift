import Content
import NodeConfig

/// The keys of Dragonfly 1's `registry_mirror:` that are none of ours: they are about its remote.
package struct DragonflyMirror: Sendable {
    private var insecure = false
    private var certs: [String] = []
    /// Keys that mean nothing any more.
    package private(set) var meaningless: [String] = []

    package init() {}

    /// Visits the keys.
    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("insecure", &insecure)
        try fields.list("certs", &certs)
        for file in certs { try fields.checkCertificates("certs", file) }
        for key in ["direct", "dynamic"] where fields.isGiven(key) { meaningless.append("registry_mirror.\(key)") }
        var ignored: RawConfig?
        try fields.raw("direct", &ignored)
        try fields.raw("dynamic", &ignored)
    }

    /// The remote as a registry with settings of its own; nil where it has none, or is among `registries` already.
    func registry(at remote: String, besides registries: [MirroredRegistry]) -> MirroredRegistry? {
        guard insecure || !certs.isEmpty, let base = RegistryBase(remote),
            !registries.contains(where: { $0.authority == base.url.authority })
        else { return nil }
        var registry = MirroredRegistry()
        registry.host = base.url.authority
        registry.url = remote
        registry.insecure = insecure
        registry.caFiles = certs
        return registry
    }
}
