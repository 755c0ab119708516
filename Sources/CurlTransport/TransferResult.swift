public import Content

/// The head of a response.
public struct TransferHead: Sendable {
    /// The HTTP status; for other schemes 200, or 206 where a range was asked for.
    public var status: Int
    /// All fields in order.
    public var fields: HeaderFields
    /// The URL that answered, after redirects and without credentials.
    public var url: String
    /// `1.0`, `1.1`, `2`; empty for other schemes.
    public var httpVersion: String
    /// How long the body is announced to be; nil where that is not said.
    public var contentLength: Int64?

    /// A head.
    public init(
        status: Int,
        fields: HeaderFields = [:],
        url: String = "",
        httpVersion: String = "1.1",
        contentLength: Int64? = nil
    ) {
        self.status = status
        self.fields = fields
        self.url = url
        self.httpVersion = httpVersion
        self.contentLength = contentLength
    }
}

/// How a finished transfer went.
public struct TransferSummary: Sendable {
    /// The head that the sink got.
    public var head: TransferHead
    /// The fields that came behind a chunked body (RFC 9112 §7.1.2).
    public var trailers: HeaderFields
    /// The bytes that the sink took.
    public var bodyBytes: Int64
    /// From the call of `perform` to the last byte, redirects included.
    public var totalSeconds: Double
    /// Until the last connection stood, TLS included; 0 for a reused one.
    public var connectSeconds: Double
    /// Whether the last request went over a connection of an earlier one.
    public var reusedConnection: Bool
    /// The address that answered.
    public var remoteAddress: String?
}

/// A response that is in memory as a whole.
public struct BufferedResponse: Sendable {
    /// The head.
    public var head: TransferHead
    /// The body.
    public var body: [UInt8]
}
