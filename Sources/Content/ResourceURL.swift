/// An absolute URL (RFC 3986) in the parts that Darter decides by.
///
/// Credentials in it are split off at once (``userInfo``), so that ``text`` can be logged and hashed.
public struct ResourceURL: Hashable, Sendable {
    /// The scheme in lower case.
    public let scheme: String
    /// The host in lower case, an IPv6 address without its brackets; empty for `file:///...`.
    public let host: String
    /// The port if one is given that is not the scheme's own.
    public let port: Int?
    /// The path, still percent-encoded; `/` where there is none.
    public let path: String
    /// What follows `?`, still percent-encoded; nil where there is no `?`.
    public let query: String?
    /// `user:password` as it stood in front of the host, still percent-encoded; never part of ``text``.
    public let userInfo: String?

    /// Parses an absolute URL.
    ///
    /// Returns nil for relative references, other characters than a URL may have (spaces, control characters,
    /// non-ASCII), a port that is none, and `http`/`https` without a host. A fragment is dropped.
    public init?(_ text: some StringProtocol) { self.init(parsing: String(text)) }

    /// Looks at bytes, not at characters: all that are allowed are ASCII, and every transfer parses a URL.
    private init?(parsing text: String) {
        let bytes = text.utf8
        guard bytes.count <= Self.longest,
            bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(text[..<colon])
        else { return nil }
        scheme = text[..<colon].lowercased()
        var rest = bytes[bytes.index(after: colon)...].prefix { $0 != UInt8(ascii: "#") }
        guard rest.starts(with: "//".utf8) else { return nil }
        rest = rest.dropFirst(2)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        rest = rest[authority.endIndex...]
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            query = String(Substring(rest[rest.index(after: mark)...]))
            rest = rest[..<mark]
        } else {
            query = nil
        }
        path = rest.isEmpty ? "/" : String(Substring(rest))
        let at = authority.lastIndex(of: UInt8(ascii: "@"))
        userInfo = at.map { String(Substring(authority[..<$0])) }
        let place = at.map { authority[authority.index(after: $0)...] } ?? authority[...]
        guard let (host, port) = Self.hostAndPort(Substring(place)), !(host.isEmpty && scheme.hasPrefix("http"))
        else { return nil }
        self.host = host
        self.port = port == Self.defaultPort(scheme) ? nil : port
    }

    /// The URL without credentials and fragment, scheme and host in lower case, the scheme's own port left out.
    public var text: String { origin + path + (query.map { "?\($0)" } ?? "") }

    /// The URL as it may be logged, listed and kept: a query may hold a signature that is as good as a password.
    public var withoutQuery: String { origin + path }

    /// The port given, or else the scheme's own; nil where it has none.
    public var portInUse: Int? { port ?? Self.defaultPort(scheme) }

    /// Scheme, host and port (RFC 6454): two sources of one origin answer for the same content.
    public var origin: String { "\(scheme)://\(authority)" }

    /// Host and, where it is not the scheme's own, port; IPv6 addresses in brackets.
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port.map { "\(name):\($0)" } ?? name
    }

    /// The last component of the path with `%XX` decoded, fit to name a file.
    ///
    /// Nil where the path ends in `/`, the name is no valid UTF-8, or it would mean another place (`..`, an encoded `/`).
    public var lastPathComponent: String? {
        guard let last = path.split(separator: "/", omittingEmptySubsequences: false).last,
            let name = Self.percentDecoded(last), !["", ".", ".."].contains(name),
            name.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != 0 })
        else { return nil }
        return name
    }

    /// What names the resource in a ``TaskID``: ``text`` without the ignored query parameters.
    ///
    /// With `["*"]` the whole query is ignored.
    public func identity(ignoringQuery ignored: [String] = []) -> String {
        guard let query, !ignored.isEmpty else { return text }
        if ignored.contains("*") { return origin + path }
        let kept = query.split(separator: "&", omittingEmptySubsequences: false).filter { pair in
            !ignored.contains(String(pair.prefix { $0 != "=" }))
        }
        return origin + path + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }

    /// Decodes `%XX`.
    ///
    /// Returns nil for a malformed escape or bytes that are no UTF-8.
    public static func percentDecoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
            guard digits.utf8.count == 2, let value = [UInt8](lowercaseHex: digits) else { return nil }
            bytes.append(contentsOf: value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let longest = 64 << 10

    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func defaultPort(_ scheme: String) -> Int? {
        switch scheme {
        case "http": 80
        case "https": 443
        case "ftp": 21
        case "sftp": 22
        default: nil
        }
    }

    private static func hostAndPort(_ text: Substring) -> (String, Int?)? {
        var host = text
        var port: Int?
        if let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            !text.utf8[colon...].contains(UInt8(ascii: "]"))
        {
            host = text[..<colon]
            let digits = text[text.utf8.index(after: colon)...]
            if !digits.isEmpty {
                guard let number = RangeHeader.number(digits), (1...65535).contains(number) else { return nil }
                port = Int(number)
            }
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), host.count > 2 else { return nil }
            let inner = host.dropFirst().dropLast()
            // RFC 3986 §3.2.2: only IPv6 addresses stand in brackets here.
            guard inner.contains(":"),
                inner.utf8.allSatisfy({ isDigit($0) || isLetter($0) || ":.%".utf8.contains($0) })
            else { return nil }
            return (inner.lowercased(), port)
        }
        guard host.utf8.allSatisfy({ isDigit($0) || isLetter($0) || "-._~%!$&'()*+,;=".utf8.contains($0) })
        else { return nil }
        return (host.lowercased(), port)
    }
}

extension ResourceURL: CustomStringConvertible {
    /// Same as ``text``: no credentials.
    public var description: String { text }
}

extension ResourceURL: Codable {
    /// Decodes the text form.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("an absolute URL") { ResourceURL($0) }
    }

    /// Encodes ``text``: no credentials.
    public func encode(to encoder: any Encoder) throws {
        try encoder.encodeText(text)
    }
}
