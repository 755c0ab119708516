public import Content

/// One transfer: what to ask for, and how.
public struct TransferRequest: Sendable {
    /// An absolute URL.
    ///
    /// Credentials in it are sent as basic authorization unless ``credentials`` has an `Authorization`.
    public var url: String
    /// The HTTP method.
    public var method: String
    /// Fields sent to the origin and to every place it redirects to.
    ///
    /// `Authorization`, `Cookie` and `Host` in it go no further than ``credentials`` do. `Content-Length` and
    /// `Transfer-Encoding` are ignored: the body decides them.
    public var headers: HeaderFields
    /// Fields for the origin alone: never described or logged, and dropped for good when a redirect leaves the origin
    /// (another scheme, host or port).
    public var credentials: HeaderFields
    /// The part of the resource to ask for; nil for all of it.
    public var range: TransferRange?
    /// What is sent with the request.
    public var body: RequestBody
    /// How the transfer is made.
    public var options: TransferOptions
    /// Whether nothing is sent, but the connection handed over once it stands.
    var connectsOnly = false

    /// A request without fields and body.
    public init(url: String, method: String = "GET", options: TransferOptions = TransferOptions()) {
        self.url = url
        self.method = method
        self.options = options
        headers = [:]
        credentials = [:]
        range = nil
        body = .none
    }
}

extension TransferRequest: CustomStringConvertible {
    /// Method and URL without credentials and query.
    public var description: String {
        guard let url = ResourceURL(url) else { return "\(method) (malformed URL)" }
        return "\(method) \(url.origin)\(url.path)"
    }
}

extension TransferRequest: CustomDebugStringConvertible, CustomReflectable {
    /// Same as ``description``.
    public var debugDescription: String { description }
    /// Nothing: a dump must not show credentials.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The part of a resource that a request asks for.
public enum TransferRange: Sendable, Hashable {
    /// These bytes; never an empty range.
    case closed(ByteRange)
    /// Everything from this offset.
    case from(Int64)

    /// `first-last` or `first-`; nil for what can not be asked for.
    var text: String? {
        switch self {
        case .closed(let range): range.isEmpty ? nil : "\(range.offset)-\(range.end - 1)"
        case .from(let offset): offset < 0 ? nil : "\(offset)-"
        }
    }
}
