/// What pulls images on a node.
package enum RuntimeName: String, Sendable, CaseIterable {
    case containerd, docker, crio, podman
}
