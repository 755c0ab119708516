/// What a request is for, by its first line (RFC 9112 §3.2).
///
/// A client of a proxy names scheme and authority there; a client of a server leaves them out, and the scheme is nil then.
struct RequestTarget: Sendable, Hashable {
    /// `http` or `https` where the client named one.
    let scheme: String?
    /// Host and perhaps port, without user information.
    let authority: String?
    /// Path and query as they were sent; nil for CONNECT.
    let path: String?

    /// Reads a request's target.
    ///
    /// - Parameters:
    ///   - text: the target as it was sent.
    ///   - isConnect: whether the method is CONNECT, whose target is an authority alone.
    ///   - host: the `Host` field, which counts only where the target names no authority.
    ///   - intercepted: the authority that the client believes to talk to over TLS; wins over everything.
    init(_ text: String, isConnect: Bool, host: String?, intercepted: String?) {
        if isConnect {
            (scheme, authority, path) = (nil, text, nil)
            return
        }
        let absolute = Self.absolute(text)
        path = absolute?.path ?? text
        if let intercepted {
            (scheme, authority) = ("https", intercepted)
        } else {
            (scheme, authority) = (absolute?.scheme, absolute?.authority ?? host)
        }
    }

    private static func absolute(_ text: String) -> (scheme: String, authority: String, path: String)? {
        guard text.first != "/" else { return nil }
        for scheme in ["http", "https"] {
            let prefix = "\(scheme)://"
            guard text.prefix(prefix.count).lowercased() == prefix else { continue }
            let rest = text.dropFirst(prefix.count).prefix { $0 != "#" }
            let place = rest.prefix { $0 != "/" && $0 != "?" }
            // RFC 9110 §4.2.4: who has a password for the origin sends it in a field.
            let authority = place.split(separator: "@", omittingEmptySubsequences: false).last ?? place
            let path = rest[place.endIndex...]
            return (scheme, String(authority), path.hasPrefix("/") ? String(path) : "/\(path)")
        }
        return nil
    }
}
