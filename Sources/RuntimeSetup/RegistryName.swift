import Content

/// A registry as image references name it: a host and perhaps a port.
package struct RegistryName: Sendable, Hashable, CustomStringConvertible {
    /// Docker Hub, by whatever name it was given.
    package static let dockerHub = RegistryName(text: "docker.io")

    /// In lower case.
    package let text: String

    private init(text: String) { self.text = text }

    /// Returns nil for what is no host: a URL, a repository, a wildcard.
    package init?(_ name: some StringProtocol) {
        let lowercase = name.lowercased()
        guard lowercase.utf8.allSatisfy(Self.isHostByte), lowercase.utf8.first.map(Self.isAlphanumeric) == true,
            let url = ResourceURL("https://\(lowercase)/"), url.userInfo == nil, url.path == "/",
            !lowercase.hasSuffix(":")
        else { return nil }
        let isDockerHub = ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(lowercase)
        self = isDockerHub ? .dockerHub : RegistryName(text: lowercase)
    }

    package var description: String { text }

    var hasPort: Bool { text.contains(":") }

    /// Where it answers, for a runtime whose mirror is away; nil where the runtime knows better: on this machine it may be
    /// plain HTTP.
    var server: String? {
        if self == .dockerHub { return "https://registry-1.docker.io" }
        let host = text.prefix { $0 != ":" }
        return host == "localhost" || host.hasPrefix("127.") ? nil : "https://\(text)"
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
