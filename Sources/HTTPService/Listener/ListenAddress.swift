/// Where a listener waits for connections: a host and port, or the path of a Unix-domain socket.
package struct ListenAddress: Sendable, Hashable {
    /// The two kinds of places.
    package enum Place: Sendable, Hashable {
        /// A host name or IP address (`::` takes IPv4 too) and a port; 0 lets the system choose one.
        case tcp(host: String, port: Int)
        /// A socket file that only its owner may open.
        case unix(path: String)
    }

    /// What the text means.
    package let place: Place

    /// An address that is known already.
    package init(_ place: Place) { self.place = place }

    /// Parses `host:port`, `[v6 address]:port` or `unix:/path`.
    ///
    /// Returns nil for anything else, also for a relative path and a port above 65535.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = text.dropFirst("unix:".count)
            guard path.hasPrefix("/"), path.utf8.count > 1 else { return nil }
            place = .unix(path: String(path))
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(digits),
            port <= 65535
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":") else { return nil }
        } else if host.contains(where: { ":[]/@ ".contains($0) }) {
            return nil
        }
        guard !host.isEmpty else { return nil }
        place = .tcp(host: String(host), port: port)
    }
}

extension ListenAddress: CustomStringConvertible {
    /// The text that it is parsed from.
    package var description: String {
        switch place {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        }
    }
}
