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
        package var volumes: [Volume]?
        package var imagePullSecrets: [SecretName]?
        package var nodeSelector: [String: String]?
        package var os: OperatingSystem?
    }

    package struct Container: Sendable, Decodable {
        package var name: String?
        package var image: String?
        package var imagePullPolicy: String?
    }

    package struct Volume: Sendable, Decodable {
        /// An image that is mounted as a volume (Kubernetes 1.31).
        package struct Image: Sendable, Decodable {
            package var reference: String?
            package var pullPolicy: String?
        }

        package var name: String?
        package var image: Image?
    }

    package var metadata: Metadata?
    package var spec: Spec?
}
