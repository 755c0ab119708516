import NIOCore

/// Where a running listener can be reached.
package struct BoundAddress: Sendable, Hashable {
    /// The address with the port that the system chose.
    package let address: ListenAddress

    /// The TCP port; nil for a Unix-domain socket.
    package var port: Int? {
        guard case .tcp(_, let port) = address.place else { return nil }
        return port
    }

    init(_ configured: ListenAddress, _ actual: SocketAddress?) {
        guard case .tcp(let host, _) = configured.place, let port = actual?.port else {
            address = configured
            return
        }
        address = ListenAddress(.tcp(host: actual?.ipAddress ?? host, port: port))
    }
}

extension BoundAddress: CustomStringConvertible {
    /// `host:port`, `[v6]:port` or `unix:/path`.
    package var description: String { address.description }
}
