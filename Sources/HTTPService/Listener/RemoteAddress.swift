import NIOCore

/// Who is at the other end of a connection.
package struct RemoteAddress: Sendable, Hashable {
    /// The IP address in text; an IPv4 client of a dual-stack listener shows as IPv4.
    ///
    /// Nil for a Unix-domain socket.
    package let ip: String?
    /// The TCP port; nil for a Unix-domain socket.
    package let port: Int?

    /// An address in text, as a socket tells it.
    package init(ip: String?, port: Int?) {
        let mapped = "::ffff:"
        if let ip, ip.hasPrefix(mapped), ip.contains(".") {
            self.ip = String(ip.dropFirst(mapped.count))
        } else {
            self.ip = ip
        }
        self.port = port
    }

    init(_ address: SocketAddress?) { self.init(ip: address?.ipAddress, port: address?.port) }
}

extension RemoteAddress: CustomStringConvertible {
    /// `ip:port`, `[v6]:port` or `unix`.
    package var description: String {
        guard let ip else { return "unix" }
        return (ip.contains(":") ? "[\(ip)]" : ip) + (port.map { ":\($0)" } ?? "")
    }
}
