public import Content

/// What names a manifest within a repository.
public enum ManifestReference: Sendable, Hashable, CustomStringConvertible {
    /// A name that can move.
    case tag(TagName)
    /// The manifest's own digest: it never changes.
    case digest(Digest)

    /// Parses a tag or a digest; returns nil for what is neither.
    public init?(_ text: some StringProtocol) {
        if let digest = Digest(registry: text) {
            self = .digest(digest)
        } else if let tag = TagName(text) {
            self = .tag(tag)
        } else {
            return nil
        }
    }

    /// The tag or the digest.
    public var description: String {
        switch self {
        case .tag(let tag): tag.text
        case .digest(let digest): digest.description
        }
    }
}

extension Digest {
    /// A digest that may name content in a registry; returns nil for others, MD5 among them.
    public init?(registry text: some StringProtocol) {
        guard let digest = Digest(text), digest.algorithm != .md5 else { return nil }
        self = digest
    }
}
