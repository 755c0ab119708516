/// Why an image stays as it is.
package enum KeptReason: String, Sendable, CaseIterable {
    // The whole pod:
    case gateClosed = "gate_closed"
    case ofDarter = "of_darter"
    case staticPod = "static_pod"
    case windows
    case ignored
    case namespace
    case optedOut = "opted_out"
    case notOptedIn = "not_opted_in"
    // One image:
    case invalid
    case mirrored
    case local
    case port
    case registry
    case image
    case secrets
    case noName = "no_name"
    case neverPulled = "never_pulled"
    case unchangeable

    /// The same for a person.
    package var text: String {
        switch self {
        case .gateClosed: "the network can not serve now"
        case .ofDarter: "the pod is a part of Darter"
        case .staticPod: "the pod is a static one"
        case .windows: "the pod runs on Windows"
        case .ignored: "the pod has labels that are ignored"
        case .namespace: "the namespace is left out"
        case .optedOut: "the pod has opted out"
        case .notOptedIn: "the pod has not opted in"
        case .invalid: "it is no image reference"
        case .mirrored: "it leads to the mirror already"
        case .local: "the registry is the node's own"
        case .port: "the registry has a port and no name in registry_names"
        case .registry: "the registry is left out"
        case .image: "the image is left out"
        case .secrets: "the pod has imagePullSecrets, and dfdaemon has no login for the registry (credentials)"
        case .noName: "the registry's name can not stand in a path"
        case .neverPulled: "it is never pulled, and the node has it under this name only"
        case .unchangeable: "the container is there already"
        }
    }
}

/// What becomes of an image.
package enum ImageDecision: Sendable, Hashable {
    case rewritten(to: String)
    case kept(KeptReason)
}
