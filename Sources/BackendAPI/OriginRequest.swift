public import Content
public import RateLimiting

/// What is asked of an origin.
public struct OriginRequest: Sendable {
    /// What to fetch.
    public var resource: Resource
    /// The right to it, for its origin only.
    public var credentials: Credentials
    /// The part of it; nil is all.
    public var range: OriginRange?
    /// Under which condition; nil is none.
    public var condition: Condition?
    /// The rates at which the answer's body may come, all of which it keeps.
    public var limits: [RateLimiter] = []
    /// Whether its sender holds one of ``Backend/connections(to:)`` for it; otherwise it waits for one.
    public var holdsConnection = false

    /// A request for the whole resource, anonymous and without condition unless said otherwise.
    public init(
        resource: Resource,
        credentials: Credentials = Credentials(),
        range: OriginRange? = nil,
        condition: Condition? = nil
    ) {
        self.resource = resource
        self.credentials = credentials
        self.range = range
        self.condition = condition
    }
}

/// A part of some content.
public enum OriginRange: Sendable, Hashable {
    /// These bytes, which must not be empty; cut off at the content's end.
    case closed(ByteRange)
    /// From an offset to the end.
    case from(Int64)

    /// The first byte that is asked for.
    public var offset: Int64 {
        switch self {
        case .closed(let range): range.offset
        case .from(let offset): offset
        }
    }

    /// The bytes meant in content of `length` bytes; nil where there are none (an empty or misplaced range).
    public func resolve(length: Int64) -> ByteRange? {
        guard offset >= 0, offset < length else { return nil }
        switch self {
        case .closed(let range): return range.isEmpty ? nil : ByteRange(offset..<min(range.end, length))
        case .from: return ByteRange(offset..<length)
        }
    }

    /// The value of a `Range` header (RFC 9110 §14.2); nil for an empty or negative range, which it can not express.
    public var headerValue: String? {
        guard offset >= 0 else { return nil }
        switch self {
        case .closed(let range): return range.isEmpty ? nil : "bytes=\(range)"
        case .from(let offset): return "bytes=\(offset)-"
        }
    }
}

/// What must hold for the content to be sent.
public enum Condition: Sendable, Hashable {
    /// Go on with a known version; if the origin has another one, the answer is
    /// ``BackendError/Code/changedAtOrigin`` and no byte (If-Match, If-Range, If-Unmodified-Since).
    case ifUnchanged(Validators)
    /// Revalidate a known version; if it is still current, the head says `notModified` and no byte follows
    /// (If-None-Match, If-Modified-Since).
    case ifChanged(Validators)
}

/// What tells two versions of a resource apart (RFC 9110 §8.8).
public struct Validators: Sendable, Hashable, Codable {
    /// The entity tag with its quotes, perhaps weak (`W/"..."`).
    public var entityTag: String?
    /// The date of the last change, as the origin wrote it.
    public var lastModified: String?
    /// Whether the date can be trusted to part versions: it lay far enough back when the origin told it
    /// (RFC 9110 §8.8.2.2).
    public var lastModifiedIsStrong: Bool

    /// The validators that an origin told.
    public init(entityTag: String? = nil, lastModified: String? = nil, lastModifiedIsStrong: Bool = false) {
        self.entityTag = entityTag
        self.lastModified = lastModified
        self.lastModifiedIsStrong = lastModifiedIsStrong
    }

    /// The validator by which parts of content may be put together (If-Range); nil where there is none.
    public var strong: String? {
        if let entityTag { return entityTag.hasPrefix("W/") ? nil : entityTag }
        return lastModifiedIsStrong ? lastModified : nil
    }

    /// Whether there is neither.
    public var isEmpty: Bool { entityTag == nil && lastModified == nil }
}
