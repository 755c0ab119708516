/// As much of a pod, or of a pod's template, as decides about its images (Kubernetes, `core/v1`).
package struct Pod: Sendable, Decodable {
    package struct Metadata: Sendable, Decodable {
        package var name: String?
        package var namespace: String?
        package var labels: [String: String]?
        package var annotations: [String: String]?
    }

    package struct Spec: Sendable, Decodable {
        package struct OperatingSystem: Sendable, Decodable { package var name: String? }
        package struct SecretName: Sendable, Decodable { package var name: String? }

        package var containers: [Container]?
        package var initContainers: [Container]?
        package var ephemeralContainers: [Container]?
        package var imagePullSecrets: [SecretName]?
        package var nodeSelector: [String: String]?
        package var os: OperatingSystem?
    }

    package struct Container: Sendable, Decodable {
        package var name: String?
        package var image: String?
        package var imagePullPolicy: String?
    }

    package var metadata: Metadata?
    package var spec: Spec?
}

extension Pod {
    /// The lists of containers that a pod has.
    package enum ContainerList: String, Sendable, CaseIterable {
        case initContainers, containers, ephemeralContainers
    }

    func list(_ list: ContainerList) -> [Container] {
        switch list {
        case .initContainers: spec?.initContainers ?? []
        case .containers: spec?.containers ?? []
        case .ephemeralContainers: spec?.ephemeralContainers ?? []
        }
    }
}
