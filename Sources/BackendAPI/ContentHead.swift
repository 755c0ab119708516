public import Content

/// What an origin tells of content before its bytes.
public struct ContentHead: Sendable, Hashable {
    /// The complete content's length in bytes, whatever part of it follows; nil where it is not known.
    public var length: Int64?
    /// The bytes that follow; nil: the whole content from its first byte, `length` bytes or as many as come.
    public var range: ByteRange?
    /// The known version is still current (see ``Condition/ifChanged(_:)``), and no byte follows.
    public var notModified: Bool
    /// What names this version.
    public var validators: Validators
    /// How long it may be used without asking again.
    public var freshness: Freshness
    /// How long ago the origin itself gave the answer, where caches stand between (`Age`).
    public var age: Duration
    /// The complete content's digest, where the origin tells one; not yet verified.
    public var digest: Digest?
    /// Whether a range request is worth trying.
    public var acceptsRanges: Bool
    /// What clients get to see of the origin's header: Content-Type, Docker-Content-Digest and the like.
    public var headers: HeaderFields
    /// The request headers that selected this content, in lower case; `*` is more than headers (RFC 9110 §12.5.5).
    public var vary: [String]

    /// A head; whatever is not given is unknown.
    public init(
        length: Int64? = nil,
        range: ByteRange? = nil,
        notModified: Bool = false,
        validators: Validators = Validators(),
        freshness: Freshness = Freshness(),
        age: Duration = .zero,
        digest: Digest? = nil,
        acceptsRanges: Bool = false,
        headers: HeaderFields = [:],
        vary: [String] = []
    ) {
        self.length = length
        self.range = range
        self.notModified = notModified
        self.validators = validators
        self.freshness = freshness
        self.age = age
        self.digest = digest
        self.acceptsRanges = acceptsRanges
        self.headers = headers
        self.vary = vary
    }

    /// How many bytes follow; nil where only the end will tell.
    public var bodyLength: Int64? { notModified ? 0 : range?.count ?? length }
}
