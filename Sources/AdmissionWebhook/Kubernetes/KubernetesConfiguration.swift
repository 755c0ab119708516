package import NodeConfig

/// How the Kubernetes API is spoken to: the `kubernetes:` section.
package struct KubernetesConfiguration: Sendable, Configurable {
    /// The base URL of the API server; empty: where the environment of a pod says it is.
    package var server = ""
    /// The directory with the token, the authority (`ca.crt`) and the namespace of the pod's service account.
    package var account = "/var/run/secrets/kubernetes.io/serviceaccount"
    /// The pod's namespace; empty: that of the service account.
    package var namespace = ""

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("server", &server)
        let isBase = server.isEmpty || KubernetesClient.isBase(server)
        try fields.check("server", isBase, "must be the base URL of an API server such as https://10.96.0.1:443")
        try fields.value("account", &account)
        try fields.value("namespace", &namespace)
        try fields.check("namespace", namespace.isEmpty || isObjectName(namespace), "must be the name of a namespace")
    }
}

/// Whether a text can name an object (RFC 1123), so that it can stand in a path.
func isObjectName(_ text: String) -> Bool {
    text.utf8.count <= 253 && !text.isEmpty && !text.hasPrefix(".") && !text.hasPrefix("-")
        && text.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: ".")
        }
}
