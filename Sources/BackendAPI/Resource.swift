public import Content

/// One thing to fetch, and what is known of it beforehand.
public struct Resource: Sendable, Hashable {
    /// Where it is; without user and password (see ``Credentials/init(userInfo:)``).
    public let url: ResourceURL
    /// The request headers that select the content, such as `Accept` of a manifest; sent to the origin as they are.
    public var headers: HeaderFields
    /// The content's digest, where it is known: the bytes are checked against it, and it names the task.
    public var digest: Digest?
    /// Parts contents that one URL gives to different users or at different times.
    public var tag: String?
    /// Names of query parameters that do not select the content (signatures, tokens); `*` is all of them.
    public var ignoredQuery: [String]
    /// Whether it is asked for as by a proxy with a cache (RFC 9111): the answer counts that its own URL gives and no
    /// redirect's, and what a shared cache must not keep is refused as ``BackendError/Code/notShareable``.
    public var asSharedCache: Bool

    /// A resource; user and password in `url` are dropped.
    public init(
        url: ResourceURL,
        headers: HeaderFields = [:],
        digest: Digest? = nil,
        tag: String? = nil,
        ignoredQuery: [String] = [],
        asSharedCache: Bool = false
    ) {
        self.asSharedCache = asSharedCache
        self.url = url.userInfo == nil ? url : ResourceURL(url.text) ?? url
        self.headers = headers
        self.digest = digest
        self.tag = tag
        self.ignoredQuery = ignoredQuery
    }

    /// The task that fetches it: by its digest alone where that may name content, else by URL, tag and headers.
    public var taskID: TaskID {
        if let digest, digest.algorithm != .md5 { return TaskID(content: digest) }
        return TaskID(
            url: url.identity(ignoringQuery: ignoredQuery),
            tag: tag,
            headers: headers,
            asSharedCache: asSharedCache
        )
    }
}

/// One way to get a task's bytes from an origin: a resource and the right to it.
///
/// A task can have several.
public struct Source: Sendable, Hashable {
    /// What to fetch.
    public var resource: Resource
    /// Sent to the origin of `resource` and to nobody else.
    public var credentials: Credentials

    /// A source, anonymous unless credentials are given.
    public init(resource: Resource, credentials: Credentials = Credentials()) {
        self.resource = resource
        self.credentials = credentials
    }
}
