/// Which addresses a transfer may connect to.
///
/// It is asked at connect time, after name resolution, for every address of every redirect hop, and again before a
/// request goes over a connection that an earlier transfer has made.
public struct AddressPolicy: Sendable, Hashable {
    private let allowed: [AddressPrefix]?

    /// Every address.
    public static let any = AddressPolicy(allowed: nil)

    /// Refuses loopback, link-local, unspecified, multicast and broadcast addresses, also where they hide in an IPv6
    /// address (v4-mapped, v4-compatible, NAT64, 6to4), unless one of the prefixes has them.
    public static func guarded(allow: [AddressPrefix]) -> AddressPolicy { AddressPolicy(allowed: allow) }

    /// The same policy that lets these networks be, too.
    public func allowing(_ more: [AddressPrefix]) -> AddressPolicy {
        AddressPolicy(allowed: allowed.map { $0 + more })
    }

    /// Whether a connection to the address may be made.
    func permits(_ address: IPAddress) -> Bool {
        guard let allowed else { return true }
        let meant = [address] + address.embedded
        return meant.allSatisfy { !$0.isSpecial }
            || meant.contains { one in allowed.contains { $0.contains(one) } }
    }

    /// Whether the host of a URL is a name or address that is refused without asking anybody, as a proxy would resolve
    /// it out of our sight.
    func permits(host: String) -> Bool {
        if let address = IPAddress(host) { return permits(address) }
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if name == "localhost" || name.hasSuffix(".localhost") { return permits(IPAddress([127, 0, 0, 1])) }
        return true
    }
}

/// A network in CIDR notation: `10.0.0.0/8`, `fd00::/8`, or a single address.
public struct AddressPrefix: Sendable, Hashable {
    private let bytes: [UInt8]
    private let length: Int

    /// Parses CIDR notation; bits behind the prefix are ignored.
    ///
    /// Returns nil for anything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first.flatMap({ IPAddress($0) }) else { return nil }
        var length = address.bytes.count * 8
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(parts[1]),
                number <= length
            else { return nil }
            length = number
        }
        bytes = address.bytes
        self.length = length
    }

    /// IPv4 and IPv6 loopback.
    public static let loopback = [
        AddressPrefix(bytes: [127, 0, 0, 0], length: 8),
        AddressPrefix(bytes: [UInt8](repeating: 0, count: 15) + [1], length: 128),
    ]

    private init(bytes: [UInt8], length: Int) {
        self.bytes = bytes
        self.length = length
    }

    /// Whether the address, 4 or 16 bytes in network order, is in the network.
    public func contains(_ address: [UInt8]) -> Bool {
        guard address.count == bytes.count else { return false }
        let whole = length / 8
        guard bytes[..<whole] == address[..<whole] else { return false }
        let rest = length % 8
        return rest == 0 || (bytes[whole] ^ address[whole]) >> (8 - rest) == 0
    }

    func contains(_ address: IPAddress) -> Bool { contains(address.bytes) }
}
