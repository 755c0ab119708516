import Content
import HTTPService

/// The place that a CONNECT names: `host:port`, `[v6 address]:port` (RFC 9110 §9.3.6).
struct ProxyTarget: Sendable, Hashable, CustomStringConvertible {
    /// A name in lower case, or an address; an IPv6 address without brackets.
    let host: String
    let port: Int

    /// Returns nil for anything else, also where the port is missing.
    init?(_ text: String) {
        guard case .tcp(_, let port)? = ListenAddress(text)?.place, port > 0,
            let url = ResourceURL("https://\(text)"), url.path == "/", url.query == nil, url.userInfo == nil
        else { return nil }
        host = url.host
        self.port = port
    }

    /// The place of a URL; nil for a scheme without a port of its own.
    init?(_ url: ResourceURL) {
        guard let port = url.portInUse else { return nil }
        host = url.host
        self.port = port
    }

    /// `host:port`.
    var description: String { "\(bracketed):\(port)" }

    /// As it stands in the URLs of HTTPS.
    var authority: String { port == 443 ? bracketed : description }

    private var bracketed: String { host.contains(":") ? "[\(host)]" : host }
}
