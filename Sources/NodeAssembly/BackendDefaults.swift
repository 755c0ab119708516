package import BackendAPI
import ContentProxy
import FoundationEssentials
import NodeConfig

extension [BackendEntry] {
    /// The entries with those that need not be written: paths below `/v2/` are registries on every host.
    package func withRegistryDefault() -> [BackendEntry] {
        if contains(where: { $0.plugin == "registry" && $0.hosts.contains("*") }) { return self }
        var registries = BackendEntry()
        registries.plugin = "registry"
        registries.paths = ["/v2/"]
        return self + [registries]
    }

    /// The entries with one for every mirrored registry that has settings of its own and no entry yet.
    func with(_ mirrored: [MirroredRegistry]) throws(ConfigError) -> [BackendEntry] {
        var entries = self
        for registry in mirrored where !registry.caFiles.isEmpty || registry.insecure {
            guard let host = registry.authority,
                !entries.contains(where: { $0.plugin == "registry" && $0.hosts.contains(host) })
            else { continue }
            var entry = BackendEntry()
            entry.plugin = "registry"
            entry.hosts = [host]
            entry.paths = ["/v2/"]
            var lines = registry.insecure ? ["insecure: true"] : []
            // A JSON list is a YAML list.
            let quoted =
                (try? JSONEncoder().encode(registry.caFiles)).map { String(decoding: $0, as: UTF8.self) } ?? "[]"
            lines.append("ca_file: \(quoted)")
            entry.options = try RawConfig(yaml: lines.joined(separator: "\n"))
            entries.append(entry)
        }
        return entries
    }
}
