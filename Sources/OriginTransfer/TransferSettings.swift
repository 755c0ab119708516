public import Content
public import CurlTransport
public import NodeConfig
internal import RateLimiting

/// The keys of a backend that say how its transfers are made; whatever is not given is the node's own.
public struct TransferSettings: Configurable {
    /// PEM files of certificate authorities to trust besides the system's.
    public var caFiles: [String] = []
    /// A PEM file with the client's certificate chain.
    public var clientCertificate: String?
    /// A PEM file with the client's private key, where that is not in ``clientCertificate``.
    public var clientKey: String?
    /// Whether certificates are not verified.
    public var insecure = false
    /// How long an origin may be silent.
    public var timeout: Duration?
    /// How long a whole transfer may take.
    public var totalTimeout: Duration?
    /// How long connecting may take.
    public var connectTimeout: Duration?
    /// A proxy's URL, `none` or `environment`.
    public var proxy: String?
    /// How much all transfers of the backend together may receive.
    public var rateLimit = Rate.unlimited
    /// Networks that may be connected to besides those that the node allows.
    public var allowAddresses: [NetworkPrefix] = []

    private static let proxySchemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"]

    /// The node's own in everything.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.oneOrMore("ca_file", &caFiles)
        try fields.optional("client_certificate", &clientCertificate)
        try fields.optional("client_key", &clientKey)
        try fields.value("insecure", &insecure)
        try fields.optional("timeout", &timeout)
        try fields.optional("total_timeout", &totalTimeout)
        try fields.optional("connect_timeout", &connectTimeout)
        try fields.optional("proxy", &proxy)
        try fields.value("rate_limit", &rateLimit)
        try fields.list("allow_addresses", &allowAddresses)
        for file in caFiles { try fields.checkCertificates("ca_file", file) }
        for (key, path) in [("client_certificate", clientCertificate), ("client_key", clientKey)] {
            try fields.checkReadable(key, path)
        }
        try fields.check("client_key", clientKey == nil || clientCertificate != nil, "needs client_certificate")
        // libcurl watches the speed in whole seconds.
        try fields.check("timeout", timeout.map { $0 >= .seconds(1) } ?? true, "must be at least 1s")
        for (key, time) in [("total_timeout", totalTimeout), ("connect_timeout", connectTimeout)] {
            try fields.check(key, time.map { $0 > .zero } ?? true, "must be more than nothing")
        }
        try fields.check("proxy", Self.isProxy(proxy), "must be a URL, 'none' or 'environment'")
    }

    /// The node's options with what is said here.
    ///
    /// To be called once for a backend: all that use the result share its rate limit.
    public func options(over defaults: TransferOptions) -> TransferOptions {
        var options = defaults
        // Whoever says whom to trust at some hosts means these settings and no others.
        if !caFiles.isEmpty || clientCertificate != nil || insecure { options.tlsOfPlace = nil }
        if !caFiles.isEmpty { options.tls.caFiles = caFiles }
        if let clientCertificate {
            options.tls.clientCertificate = clientCertificate
            options.tls.clientKey = clientKey
        }
        if insecure { options.tls.verify = false }
        if let timeout { options.lowSpeed = LowSpeedLimit(bytesPerSecond: 1, for: timeout) }
        if let totalTimeout { options.totalTimeout = totalTimeout }
        if let connectTimeout { options.connectTimeout = connectTimeout }
        switch proxy {
        case nil: break
        case "none": options.proxy = .none
        case "environment": options.proxy = .environment
        case let url?: options.proxy = .url(url)
        }
        if let rate = rateLimit.bytesPerSecond { options.rateLimits.append(RateLimiter(bytesPerSecond: rate)) }
        options.addresses = options.addresses.allowing(allowAddresses)
        return options
    }

    private static func isProxy(_ text: String?) -> Bool {
        guard let text, text != "none", text != "environment" else { return true }
        guard let mark = text.firstRange(of: "://") else { return false }
        return proxySchemes.contains(String(text[..<mark.lowerBound])) && !text[mark.upperBound...].isEmpty
    }
}
