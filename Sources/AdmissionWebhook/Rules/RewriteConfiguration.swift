package import NodeConfig
import RegistryProtocol

/// Which images of which pods are rewritten, and to what.
package struct RewriteConfiguration: Sendable, Hashable, Configurable {
    /// What is put in front of an image: host and port of the node's dfdaemon.
    package var mirror = "127.0.0.1:65001"
    /// Which registries: those that the nodes' dfdaemon mirrors, by the names that it has for them.
    package var registries = NameFilter(include: [ImageReference.dockerHub])
    /// The names that dfdaemon knows registries by which have a port.
    package var registryNames: [String: String] = [:]
    /// Which images, by their reference in full.
    package var images = NameFilter()
    /// The pods of which namespaces.
    package var namespaces = NameFilter()
    /// Only pods that ask for it.
    package var optIn = false
    package var imagePullSecrets = PullSecrets.skip
    /// The registries that dfdaemon logs in to.
    package var credentials: [Glob] = []
    /// Pods that are never touched.
    package var ignore: [LabelMatch] = []

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("mirror", &mirror)
        let isHost = ImageReference("\(mirror)/a/b").map { $0.host == mirror && $0.repository.text == "a/b" } ?? false
        try fields.check("mirror", isHost, "must be the host and port of a registry, such as 127.0.0.1:65001")
        try fields.section("registries", &registries)
        try fields.map("registry_names", &registryNames)
        for (host, name) in registryNames.sorted(by: { $0.key < $1.key }) {
            try fields.check(
                "registry_names",
                ImageReference("\(host)/a")?.host == host,
                "has '\(host)', which is no registry such as registry.example.com:5000"
            )
            try fields.check(
                "registry_names",
                RepositoryName(name) != nil && !name.contains("/"),
                "has '\(name)', which can not stand in a path as a registry's name"
            )
        }
        try fields.section("images", &images)
        try fields.section("namespaces", &namespaces)
        try fields.value("opt_in", &optIn)
        try fields.value("image_pull_secrets", &imagePullSecrets)
        try fields.list("credentials", &credentials)
        try fields.sections("ignore", &ignore) { LabelMatch() }
    }
}

/// What becomes of pods with `imagePullSecrets`, which the runtime does not show to dfdaemon.
package enum PullSecrets: String, CaseIterable, Sendable, ConfigValue {
    /// Their images stay.
    case skip
    /// They are as all others.
    case rewrite
}

/// Pods that have all of some labels.
package struct LabelMatch: Sendable, Hashable, Configurable {
    package var labels: [String: Glob] = [:]

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.map("labels", &labels)
        try fields.check("labels", !labels.isEmpty, "must be named")
    }

    func matches(_ other: [String: String]) -> Bool {
        labels.allSatisfy { name, value in other[name].map { value.matches($0) } ?? false }
    }
}
