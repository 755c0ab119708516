public import Content

/// A path of the registry's API (distribution-spec, "Endpoints").
public enum RegistryPath: Sendable, Hashable {
    /// `/v2/`: whether there is a registry, and how to log in.
    case base
    /// `/v2/<name>/blobs/<digest>`.
    case blob(RepositoryName, Digest)
    /// `/v2/<name>/manifests/<reference>`.
    case manifest(RepositoryName, ManifestReference)
    /// `/v2/<name>/tags/list`.
    case tags(RepositoryName)
    /// `/v2/<name>/referrers/<digest>`.
    case referrers(RepositoryName, Digest)
    /// `/v2/<name>/blobs/uploads/`, or one upload that has begun.
    case upload(RepositoryName, session: String?)
    /// `/v2/_catalog`.
    case catalog

    /// Parses a URL's path, percent-encoded and without the query.
    ///
    /// Returns nil for whatever is not exactly one of the above: `.` and `..`, empty components, names and digests that
    /// break their grammar.
    public init?(_ path: some StringProtocol) {
        guard path.utf8.count <= 2048, let decoded = ResourceURL.percentDecoded(path) else { return nil }
        var parts = decoded.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].isEmpty, parts[1] == "v2" else { return nil }
        parts.removeFirst(2)
        if parts.isEmpty || parts == [""] {
            self = .base
            return
        }
        if parts == ["_catalog"] {
            self = .catalog
            return
        }
        guard parts.count >= 3, let last = parts.popLast(), let kind = parts.popLast() else { return nil }
        if kind == "uploads", parts.popLast() == "blobs" {
            guard let name = RepositoryName(parts.joined(separator: "/")), last.utf8.allSatisfy(Self.isSession)
            else { return nil }
            self = .upload(name, session: last.isEmpty ? nil : String(last))
            return
        }
        guard let name = RepositoryName(parts.joined(separator: "/")) else { return nil }
        switch kind {
        case "blobs":
            guard let digest = Digest(registry: last) else { return nil }
            self = .blob(name, digest)
        case "manifests":
            guard let reference = ManifestReference(last) else { return nil }
            self = .manifest(name, reference)
        case "referrers":
            guard let digest = Digest(registry: last) else { return nil }
            self = .referrers(name, digest)
        case "tags":
            guard last == "list" else { return nil }
            self = .tags(name)
        default:
            return nil
        }
    }

    /// The repository it speaks of; nil for the registry as a whole.
    public var repository: RepositoryName? {
        switch self {
        case .base, .catalog: nil
        case .blob(let name, _), .manifest(let name, _), .tags(let name), .referrers(let name, _), .upload(let name, _):
            name
        }
    }

    /// The path of the same in another repository; what speaks of no repository stays as it is.
    public func inRepository(_ name: RepositoryName) -> RegistryPath {
        switch self {
        case .base, .catalog: self
        case .blob(_, let digest): .blob(name, digest)
        case .manifest(_, let reference): .manifest(name, reference)
        case .tags: .tags(name)
        case .referrers(_, let digest): .referrers(name, digest)
        case .upload(_, let session): .upload(name, session: session)
        }
    }

    /// The path with `library/` in front of a repository of one component, as Docker Hub's API wants it.
    public var withOfficialRepository: RegistryPath {
        guard let repository, !repository.text.contains("/"), let name = RepositoryName("library/\(repository)")
        else { return self }
        return inRepository(name)
    }

    private static func isSession(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || ASCII.isLetter(byte) || "-_.=~".utf8.contains(byte)
    }
}

extension RegistryPath: CustomStringConvertible {
    /// The path, starting with `/v2/`; it needs no percent-encoding.
    public var description: String {
        switch self {
        case .base: "/v2/"
        case .blob(let name, let digest): "/v2/\(name)/blobs/\(digest)"
        case .manifest(let name, let reference): "/v2/\(name)/manifests/\(reference)"
        case .tags(let name): "/v2/\(name)/tags/list"
        case .referrers(let name, let digest): "/v2/\(name)/referrers/\(digest)"
        case .upload(let name, let session): "/v2/\(name)/blobs/uploads/\(session ?? "")"
        case .catalog: "/v2/_catalog"
        }
    }
}
