import Content

/// Where a node's pieces are: the same for a node that registers anew.
struct NodeAddress: Sendable, Hashable {
    private let ip: IPAddress
    private let port: Int

    init(ip: IPAddress, port: Int) {
        self.ip = ip.unmapped
        self.port = port
    }

    /// Parses `10.0.0.5:65002` or `[fd00::5]:65002`.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard let ip = IPAddress(host) else { return nil }
        self.init(ip: ip, port: Int(port))
    }
}

extension NodeAddress: CustomStringConvertible {
    /// `ip:port` or `[ip]:port`.
    var description: String { ip.bytes.count == 4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
