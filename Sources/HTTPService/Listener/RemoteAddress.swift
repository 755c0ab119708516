import Glibc
import NIOCore

/// Who is at the other end of a connection.
package struct RemoteAddress: Sendable, Hashable {
    /// The IP address in text; an IPv4 client of a dual-stack listener shows as IPv4.
    ///
    /// Nil for a Unix-domain socket.
    package let ip: String?
    /// The TCP port; nil for a Unix-domain socket.
    package let port: Int?

    /// The address as 4 or 16 bytes in network order; empty for a Unix-domain socket.
    package var bytes: [UInt8] {
        guard let ip else { return [] }
        var bytes = [UInt8](repeating: 0, count: ip.contains(":") ? 16 : 4)
        guard inet_pton(ip.contains(":") ? AF_INET6 : AF_INET, ip, &bytes) == 1 else { return [] }
        return bytes
    }

    /// Whether the other end is on this machine: a Unix-domain socket, `127.0.0.0/8` or `::1`.
    package var isLocal: Bool {
        let bytes = bytes
        return bytes.isEmpty
            ? port == nil : bytes.count == 4 ? bytes[0] == 127 : bytes == Array(repeating: 0, count: 15) + [1]
    }

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
