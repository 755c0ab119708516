package import NodeConfig

/// A manifest of Kubernetes, with the pods that come of it: itself, its template, or the items of a list.
package struct Manifest: Sendable, Decodable {
    /// What and whose it is, such as `Deployment default/web`.
    package let title: String
    package let pods: [Pod]
    package let namespace: String?

    private enum Key: String, CodingKey { case kind, metadata, spec, template, jobTemplate, items }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decodeIfPresent(String.self, forKey: .kind) ?? "object"
        let metadata = try container.decodeIfPresent(Pod.Metadata.self, forKey: .metadata)
        namespace = metadata?.namespace
        title = "\(kind) \(namespace.map { "\($0)/" } ?? "")\(metadata?.name ?? "(no name)")"
        pods = try Self.pods(decoder, container)
    }

    /// By what is there, not by the kind: other controllers have templates, too.
    private static func pods(_ decoder: any Decoder, _ container: KeyedDecodingContainer<Key>) throws -> [Pod] {
        if container.contains(.template) { return [try container.decode(Pod.self, forKey: .template)] }
        guard container.contains(.spec), let spec = try? container.nestedContainer(keyedBy: Key.self, forKey: .spec)
        else { return [] }
        if spec.contains(.template) { return [try spec.decode(Pod.self, forKey: .template)] }
        if spec.contains(.jobTemplate) {
            let job = try spec.nestedContainer(keyedBy: Key.self, forKey: .jobTemplate)
            return [try job.nestedContainer(keyedBy: Key.self, forKey: .spec).decode(Pod.self, forKey: .template)]
        }
        let pod = try Pod(from: decoder)
        return pod.spec?.containers == nil ? [] : [pod]
    }
}

/// A document of a file: a manifest, or a list of them.
package struct ManifestDocument: Sendable, Decodable {
    package let manifests: [Manifest]

    private enum Key: String, CodingKey { case items }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        manifests =
            container.contains(.items)
            ? try container.decode([Manifest].self, forKey: .items) : [try Manifest(from: decoder)]
    }

    /// The manifests of a file in YAML or JSON.
    package static func load(_ path: String) throws(ConfigError) -> [Manifest] {
        try DocumentFile.load(path, as: ManifestDocument.self).flatMap(\.manifests)
    }
}
