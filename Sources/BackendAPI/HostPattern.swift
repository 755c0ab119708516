package import Content

/// Which hosts a pattern of the configuration means.
package struct HostPattern: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case any
        /// `.example.com`: all names below it, but not itself.
        case suffix(String)
        case exact(String)
    }

    let kind: Kind
    /// Nil: every port.
    let port: Int?

    /// Returns nil for what is none of `host`, `host:port`, `*.domain`, `*`.
    package init?(_ text: String) {
        let star = text.hasPrefix("*")
        // A URL's rules for hosts and ports hold; `x` stands in for the star, which is no host name.
        guard !text.isEmpty, text.utf8.allSatisfy({ !"/?#@*%".utf8.contains($0) }) || star,
            let url = ResourceURL("http://\(star ? "x" + text.dropFirst() : text[...])/"), url.userInfo == nil,
            url.path == "/", url.query == nil, !url.host.contains("*"), !url.host.hasSuffix(".")
        else { return nil }
        // The parser drops `:80` as http's own, but here it has been said.
        port = url.port ?? (text.hasSuffix(":80") ? 80 : nil)
        if !star {
            kind = .exact(url.host)
        } else if url.host == "x" {
            kind = .any
        } else {
            guard url.host.hasPrefix("x."), url.host.utf8.count > 2 else { return nil }
            kind = .suffix(String(url.host.dropFirst()))
        }
    }

    /// Whether a URL's host and port are meant.
    package func matches(_ url: ResourceURL) -> Bool {
        if let port, port != url.port ?? Self.ownPorts[url.scheme] { return false }
        switch kind {
        case .any: return true
        case .suffix(let suffix): return url.host.hasSuffix(suffix) && url.host != suffix
        case .exact(let host): return url.host == host
        }
    }

    /// The more specific of two patterns that match one host has the larger rank.
    var rank: [Int] {
        let hasPort = port == nil ? 0 : 1
        return switch kind {
        case .any: [0, 0, hasPort]
        case .suffix(let suffix): [1, suffix.utf8.count, hasPort]
        case .exact: [2, 0, hasPort]
        }
    }

    var text: String {
        let name =
            switch kind {
            case .any: "*"
            case .suffix(let suffix): "*\(suffix)"
            case .exact(let host): host.contains(":") ? "[\(host)]" : host
            }
        return port.map { "\(name):\($0)" } ?? name
    }

    private static let ownPorts = ["http": 80, "https": 443, "ftp": 21, "sftp": 22]
}
