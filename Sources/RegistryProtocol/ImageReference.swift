public import Content

/// An image as people write it, such as `nginx`, `quay.io/org/app:v1` or `host:5000/app@sha256:...`.
///
/// The grammar and the defaults are those of github.com/distribution/reference.
public struct ImageReference: Sendable, Hashable {
    /// What is meant where no registry is named.
    public static let dockerHub = "docker.io"

    /// The registry's host, with a port where one is given; `docker.io` where none is named.
    public let host: String
    /// The repository; with `library/` in front where Docker Hub leaves it out.
    public let repository: RepositoryName
    /// The tag, if one is given.
    public let tag: TagName?
    /// The digest, if one is given; it counts before the tag.
    public let digest: Digest?

    /// An image.
    public init(host: String, repository: RepositoryName, tag: TagName? = nil, digest: Digest? = nil) {
        self.host = host
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// Parses a reference; returns nil for what breaks the grammar.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 1024, !Self.isIdentifier(text) else { return nil }
        var name = text[...]
        var digest: Digest?
        if let at = name.firstIndex(of: "@") {
            digest = Digest(registry: name[name.index(after: at)...])
            guard digest != nil else { return nil }
            name = name[..<at]
        }
        var tag: TagName?
        let lastComponent = name.lastIndex(of: "/") ?? name.startIndex
        if let colon = name[lastComponent...].lastIndex(of: ":") {
            tag = TagName(name[name.index(after: colon)...])
            guard tag != nil else { return nil }
            name = name[..<colon]
        }
        let (host, path) = Self.split(String(name))
        guard let host, let repository = RepositoryName(path) else { return nil }
        self.init(host: host, repository: repository, tag: tag, digest: digest)
    }

    /// What names the manifest: the digest, else the tag, else `latest`.
    public var reference: ManifestReference {
        if let digest { return .digest(digest) }
        return .tag(tag ?? .latest)
    }

    /// The host that answers for ``host``: Docker Hub's API has another name than its images.
    public var apiHost: String { Self.apiHost(of: host) }

    /// The host that answers for a registry of that name.
    public static func apiHost(of host: String) -> String { host == dockerHub ? "registry-1.docker.io" : host }

    /// The one name of a registry that is known by several: Docker Hub's is `docker.io`; lower case.
    public static func canonicalHost(_ host: String) -> String {
        let host = host.lowercased()
        return ["index.docker.io", "registry-1.docker.io"].contains(host) ? dockerHub : host
    }

    /// The registry and the path of the name; the first is nil where it is malformed.
    private static func split(_ name: String) -> (host: String?, path: String) {
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let first = String(parts[0])
        let isHost =
            parts.count == 2
            && (first.contains(where: { ".:[".contains($0) }) || first == "localhost" || first != first.lowercased())
        guard isHost else {
            return (dockerHub, parts.count == 1 ? "library/\(name)" : name)
        }
        let path = String(parts[1])
        guard first != dockerHub, first != "index.docker.io" else {
            return (dockerHub, path.contains("/") ? path : "library/\(path)")
        }
        return (isDomain(first) ? first : nil, path)
    }

    private static func isDomain(_ text: String) -> Bool {
        var host = text[...]
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let port = text[text.index(after: colon)...]
            guard port.utf8.allSatisfy(ASCII.isDigit), let number = Int(port), (1...65535).contains(number)
            else { return false }
            host = text[..<colon]
        }
        if host.hasPrefix("[") {
            return host.hasSuffix("]") && host.utf8.count > 3
                && host.dropFirst().dropLast().utf8.allSatisfy { byte in
                    ASCII.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
                        || byte == UInt8(ascii: ":")
                }
        }
        return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            let bytes = Array(label.utf8)
            let dash = UInt8(ascii: "-")
            return !bytes.isEmpty && bytes.first != dash && bytes.last != dash
                && bytes.allSatisfy { ASCII.isDigit($0) || ASCII.isLetter($0) || $0 == dash }
        }
    }

    /// 64 hex digits are an image's identifier, and no name.
    private static func isIdentifier(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 64 && [UInt8](lowercaseHex: text) != nil
    }
}

extension ImageReference: CustomStringConvertible {
    /// The reference in full, with everything that was left out but the tag.
    public var description: String {
        "\(host)/\(repository)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}
