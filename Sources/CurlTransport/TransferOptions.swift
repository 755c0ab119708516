public import RateLimiting

/// How a transfer is made; a client keeps one value and uses it for all its requests.
public struct TransferOptions: Sendable {
    /// Trust and identity.
    public var tls = TLSOptions()
    /// The same in place of ``tls`` for single places, by host and port, wherever redirects lead; it gives nil for others.
    public var tlsOfPlace: (@Sendable (_ host: String, _ port: Int) -> TLSOptions?)?
    /// The longest wait for name resolution, connection and TLS handshake together.
    public var connectTimeout: Duration = .seconds(10)
    /// Ends a transfer with ``TransferError/Code/tooSlow``; time spent paused does not count.
    ///
    /// Nil: never.
    public var lowSpeed: LowSpeedLimit? = LowSpeedLimit(bytesPerSecond: 1, for: .seconds(30))
    /// The longest time for the whole transfer with its redirects and pauses; nil for no limit.
    public var totalTimeout: Duration?
    /// Whether a 301, 302, 303, 307 or 308 is followed instead of handed to the sink.
    public var followRedirects = true
    /// How many redirects are followed before ``TransferError/Code/tooManyRedirects``.
    public var maximumRedirects = 10
    /// HTTP/1.1 for bodies; HTTP/2 for small calls.
    public var httpVersion = HTTPVersion.http1
    /// Through which proxy.
    public var proxy = ProxyChoice.environment
    /// Which addresses may be connected to: guarded unless said otherwise.
    ///
    /// The address of a proxy and a Unix socket are the operator's choice and always allowed. What a name means to a
    /// proxy can not be checked here; addresses and `localhost` in the URL are.
    public var addresses = AddressPolicy.guarded(allow: [])
    /// Limits that this transfer keeps, all of them; one instance given to several transfers limits their sum.
    ///
    /// What counts are the bytes of bodies.
    public var rateLimits: [RateLimiter] = []
    /// Connects here instead of to the URL's host.
    public var unixSocketPath: String?
    /// The schemes allowed; a redirect is followed to `http` and `https` only, and only if they are among these.
    public var schemes: Set<String> = ["http", "https"]
    /// The `User-Agent` unless the request's fields have one.
    public var userAgent = "darter/1.0"

    /// The defaults.
    public init() {}
}

/// The slowest that a transfer may be.
public struct LowSpeedLimit: Sendable, Hashable {
    /// Bytes per second, as an average.
    public var bytesPerSecond: Int
    /// For how long it must be slower than that; whole seconds.
    public var duration: Duration

    /// Ends transfers that are slower than `bytesPerSecond` for `duration`.
    public init(bytesPerSecond: Int, for duration: Duration) {
        self.bytesPerSecond = bytesPerSecond
        self.duration = duration
    }
}

/// Whom a transfer trusts, and who it says it is.
public struct TLSOptions: Sendable, Hashable {
    /// Whether the peer's certificate and name are verified.
    public var verify = true
    /// PEM files of certificate authorities to trust besides the system's directory of them.
    public var caFiles: [String] = []
    /// The same as text; wins over ``caFiles``.
    public var caPEM: String?
    /// A PEM file with the client's certificate chain.
    ///
    /// Like credentials it is not shown to another origin after a redirect.
    public var clientCertificate: String?
    /// A PEM file with the client's private key; nil where it is in ``clientCertificate``.
    public var clientKey: String?

    /// Verifies against the system's certificate authorities.
    public init(
        verify: Bool = true,
        caFile: String? = nil,
        caPEM: String? = nil,
        clientCertificate: String? = nil,
        clientKey: String? = nil
    ) {
        self.verify = verify
        self.caFile = caFile
        self.caPEM = caPEM
        self.clientCertificate = clientCertificate
        self.clientKey = clientKey
    }

    /// The only one of ``caFiles``, or the first; sets all of them.
    public var caFile: String? {
        get { caFiles.first }
        set { caFiles = newValue.map { [$0] } ?? [] }
    }
}

/// The highest version of HTTP that is offered.
public enum HTTPVersion: Sendable, Hashable {
    /// HTTP/1.1: a paused body stays in the sender's socket.
    case http1
    /// HTTP/2 where TLS negotiates it, HTTP/1.1 otherwise.
    case http2
}

/// Through which proxy a transfer goes.
public enum ProxyChoice: Sendable, Hashable {
    /// What the environment variables say (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`).
    case environment
    /// None.
    case none
    /// This one, for every host.
    case url(String)
}
