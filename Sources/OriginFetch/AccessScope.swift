package import Content
package import RegistryProtocol

/// One content, for the question who may have it.
package struct ContentKey: Sendable, Hashable {
    let task: TaskID
    /// Which version of it; nil where the task is named by the content's digest and has only one.
    let generation: Generation?

    /// The content that has this digest.
    package init(_ digest: Digest) {
        task = TaskID(content: digest)
        generation = nil
    }

    /// The content that a registry's path names by its digest; nil where it is named otherwise.
    init?(namedBy url: ResourceURL) {
        guard let digest = RegistryPath(url.path)?.contentDigest else { return nil }
        self.init(digest)
    }

    init(task: TaskID, generation: Generation?) {
        self.task = task
        self.generation = generation
    }
}

/// Within what a right to read holds for everything.
package enum AccessScope: Sendable, Hashable {
    /// A repository of a registry: who may read one of its blobs may read them all (distribution-spec: a token's scope is
    /// a repository).
    case repository(origin: String, RepositoryName)
    /// One version at one URL: a plain HTTP origin may have something else for everybody who asks, and something else
    /// tomorrow.
    case content(url: String, ContentKey)

    /// The repository that a URL is about; nil where it is no path of a registry's content.
    ///
    /// A path in another spelling than the usual one, or with a query, may mean something else to the server.
    package init?(repositoryOf url: ResourceURL) {
        guard ["http", "https"].contains(url.scheme), url.query == nil, let path = RegistryPath(url.path),
            path.description == url.path
        else { return nil }
        switch path {
        case .blob(let name, _), .manifest(let name, _), .referrers(let name, _):
            self = .repository(origin: url.origin, name)
        case .base, .tags, .upload, .catalog: return nil
        }
    }

    /// Where the right to read `content` at `url` is a right to.
    init(_ url: ResourceURL, _ content: ContentKey) {
        self = AccessScope(repositoryOf: url) ?? .content(url: url.text, content)
    }

    /// Whether what anybody may have is the same for whoever shows credentials.
    var isRepository: Bool {
        if case .repository = self { true } else { false }
    }

    var origin: String? {
        if case .repository(let origin, _) = self { origin } else { nil }
    }
}

/// What somebody has to show: that his credentials are good for a scope, and that the content belongs to it.
struct AccessClaim: Sendable, Hashable {
    let scope: AccessScope
    let content: ContentKey
    let credential: CredentialKey
}

extension RegistryPath {
    /// The digest of the content that is found there, where the path says it.
    var contentDigest: Digest? {
        switch self {
        case .blob(_, let digest), .manifest(_, .digest(let digest)): digest
        default: nil
        }
    }
}
