/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291 §2.3): `10.0.0.0/8`, `fd00::/8`, `127.0.0.1`.
public struct NetworkPrefix: Sendable, Hashable {
    /// The block's first address.
    public let address: IPAddress
    /// How many leading bits all addresses of the block share.
    public let length: Int

    /// Returns nil for a length that the address does not have.
    ///
    /// Bits behind the length are cleared. IPv4-mapped IPv6 blocks become IPv4.
    public init?(address: IPAddress, length: Int) {
        guard (0...address.bytes.count * 8).contains(length) else { return nil }
        let mapped = address.unmapped
        let isMapped = length >= 96 && mapped != address
        let rest = isMapped ? length - 96 : length
        var bytes = isMapped ? mapped.bytes : address.bytes
        for index in bytes.indices {
            let kept = min(8, max(0, rest - index * 8))
            bytes[index] &= ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        guard let first = IPAddress(bytes: bytes) else { return nil }
        self.address = first
        self.length = rest
    }

    /// Parses an address, or an address and a length.
    ///
    /// Returns nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = IPAddress(first) else { return nil }
        guard parts.count == 2 else {
            self.init(address: address, length: address.bytes.count * 8)
            return
        }
        guard let length = Int(parts[1]), String(length) == parts[1] else { return nil }
        self.init(address: address, length: length)
    }

    /// IPv4 and IPv6 loopback.
    public static let loopback = ["127.0.0.0/8", "::1"].compactMap { NetworkPrefix($0) }

    /// Whether an address lies in the block; an IPv4-mapped IPv6 address counts as IPv4.
    public func contains(_ other: IPAddress) -> Bool {
        let other = other.unmapped
        return other.bytes.count == address.bytes.count
            && NetworkPrefix(address: other, length: length)?.address == address
    }
}

extension NetworkPrefix: CustomStringConvertible {
    /// `address/length`.
    public var description: String { "\(address)/\(length)" }
}
