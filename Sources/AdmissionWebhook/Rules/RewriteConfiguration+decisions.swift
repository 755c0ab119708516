import Content
import RegistryProtocol

extension RewriteConfiguration {
    /// The label, or annotation, that says whether a pod takes part.
    static let switchName = "darter.io/rewrite"

    /// Why no image of a pod is rewritten; nil: each is looked at.
    package func reason(toKeep pod: Pod, in namespace: String) -> KeptReason? {
        let labels = pod.metadata?.labels ?? [:]
        let annotations = pod.metadata?.annotations ?? [:]
        if labels["app.kubernetes.io/part-of"] == "darter" { return .ofDarter }
        // The kubelet has such pods already, and is not asked.
        let source = annotations["kubernetes.io/config.source"] ?? "api"
        if annotations["kubernetes.io/config.mirror"] != nil || source != "api" { return .staticPod }
        if pod.spec?.os?.name == "windows" || pod.spec?.nodeSelector?["kubernetes.io/os"] == "windows" {
            return .windows
        }
        if ignore.contains(where: { $0.matches(labels) }) { return .ignored }
        if !namespaces.matches(namespace) { return .namespace }
        let wishes = [labels[Self.switchName], annotations[Self.switchName]]
        if wishes.contains("false") { return .optedOut }
        if optIn, !wishes.contains("true") { return .notOptedIn }
        return nil
    }

    /// What becomes of an image of a pod that is rewritten.
    package func decision(on image: String, hasPullSecrets: Bool) -> ImageDecision {
        if image.hasPrefix("\(mirror)/") { return .kept(.mirrored) }
        // Runtimes look such an image up by its ID, and a registry has none of that name.
        if Digest(image) != nil { return .kept(.neverPulled) }
        guard let reference = ImageReference(image) else { return .kept(.invalid) }
        let host = ImageReference.canonicalHost(reference.host)
        if Self.isLocal(host) { return .kept(.local) }
        let given = registryNames[reference.host] ?? registryNames[host]
        let name = given ?? host
        if given == nil, Self.hasPort(host) { return .kept(.port) }
        if !registries.matches(host, name) { return .kept(.registry) }
        let meant = ImageReference(
            host: host,
            repository: reference.repository,
            tag: reference.tag,
            digest: reference.digest
        )
        if !images.matches(meant.description) { return .kept(.image) }
        if hasPullSecrets, imagePullSecrets == .skip,
            !credentials.contains(where: { $0.matches(host) || $0.matches(name) })
        {
            return .kept(.secrets)
        }
        let result = "\(mirror)/\(name)/\(meant.description.dropFirst(host.count + 1))"
        // The name of a registry is no name in a path always, and together they may be too long.
        guard let check = ImageReference(result), check.host == mirror, check.repository.text.hasPrefix("\(name)/")
        else {
            return .kept(.noName)
        }
        return .rewritten(to: result)
    }

    private static func hasPort(_ host: String) -> Bool {
        host.hasPrefix("[") ? !host.hasSuffix("]") : host.contains(":")
    }

    /// Whether a registry is on the node itself, or on another with every node.
    private static func isLocal(_ host: String) -> Bool {
        if host.hasPrefix("[::1]") { return true }
        let name = host.prefix { $0 != ":" }
        return name == "localhost" || name.hasSuffix(".localhost")
            || (name.hasPrefix("127.") && IPAddress(name) != nil)
    }
}
