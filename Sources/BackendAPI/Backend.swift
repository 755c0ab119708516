public import Content
public import RateLimiting

/// What can talk to one kind of origin: the plug-in point of Darter.
///
/// A backend holds no state of a transfer beyond the call, keeps nothing on disk, and does not retry: retry, limits and
/// metrics are decorators (``RetryingBackend``, ``MeteredBackend``). Its methods are called concurrently from any task.
///
/// **Cancelling** the calling task ends a transfer promptly with ``BackendError/Code/cancelled``.
/// **Credentials** of a request go to the origin of its URL only, not along with a redirect to another origin, and
/// into no log, error message or description.
/// **Limits** of a request are kept by whatever moves the bytes, without holding up other requests.
/// **Bytes** are the origin's, undecoded.
public protocol Backend: Sendable {
    /// What it can do; constant.
    var capabilities: BackendCapabilities { get }

    /// Fetches the content, or the range of it, into `sink`.
    ///
    /// 1. ``ContentSink/begin(_:)`` is called once, before any byte, and only for an answer that is content: everything
    ///    else is an error. Asked for a range, it grants all of it that exists, or its beginning (`range` of the head),
    ///    or it gives the whole content from its first byte (`range` nil), or throws `rangeNotSupported`.
    /// 2. ``ContentSink/receive(_:flow:)`` is called for the bytes in order, one call at a time.
    /// 3. It returns after the last announced byte was consumed. A body that ends early is
    ///    ``BackendError/Code/closedEarly``, one that is too long is cut off as `protocolViolation`.
    ///
    /// After it has returned or thrown, the sink is not called any more. An error that the sink throws ends the
    /// transfer and comes back as the cause of ``BackendError/Code/sinkFailed``.
    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError)

    /// What is known of the content without fetching it: for those who ask for metadata only, since a fetch tells the
    /// same.
    ///
    /// The request's range is ignored. `range` is nil in the answer.
    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead

    /// The entries of a directory, tag list or the like, in the order of the origin.
    func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry]

    /// The connections that all requests to the host of `url` share; nil where their number is not limited.
    ///
    /// A request waits for one unless its sender holds one for it (``OriginRequest/holdsConnection``).
    func connections(to url: ResourceURL) -> Places?
}

extension Backend {
    /// Nil.
    public func connections(to url: ResourceURL) -> Places? { nil }

    /// Throws ``BackendError/Code/unsupported``.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        throw BackendError(.unsupported, "\(request.resource.url.origin) can not be listed")
    }

    /// The whole content in memory; more than `limit` bytes are ``BackendError/Code/sinkFailed``.
    public func content(
        _ request: OriginRequest,
        limit: Int
    ) async throws(BackendError) -> (head: ContentHead, bytes: [UInt8]) {
        let sink = CollectingSink(limit: limit)
        try await fetch(request, into: sink)
        guard let head = sink.head else {
            throw BackendError(.protocolViolation, "the backend gave neither content nor an error")
        }
        return (head, sink.bytes)
    }
}

/// What a backend can do.
public struct BackendCapabilities: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: Int
    /// The capabilities in these bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// It asks the origin for ranges; whether the origin grants them is another matter.
    public static let ranges = BackendCapabilities(rawValue: 1 << 0)
    /// ``Backend/list(_:)`` works.
    public static let listing = BackendCapabilities(rawValue: 1 << 1)
    /// Its URLs mean something on this node only (`file:`): no peer ever falls back to its own.
    public static let nodeLocal = BackendCapabilities(rawValue: 1 << 2)
}

/// One entry of a listing.
public struct ListedEntry: Sendable, Hashable {
    /// What an entry is.
    public enum Kind: String, Sendable, Hashable, Codable {
        /// Something that can be fetched.
        case file
        /// Something that can be listed.
        case directory
    }

    /// Its name, without the listed resource's.
    public let name: String
    /// What it is.
    public let kind: Kind
    /// Its length in bytes, where the listing tells it.
    public let length: Int64?

    /// An entry.
    public init(name: String, kind: Kind, length: Int64? = nil) {
        self.name = name
        self.kind = kind
        self.length = length
    }
}
