internal import Glibc

/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291 §2.3): `10.0.0.0/8`, `fd00::/8`, `127.0.0.1`.
public struct NetworkPrefix: Sendable, Hashable {
    /// The first address, 4 or 16 bytes.
    public let address: [UInt8]
    /// How many leading bits all addresses of the block share.
    public let length: Int

    /// Returns nil for other than 4 or 16 bytes, or a length that these do not have.
    ///
    /// Bits behind the length are cleared. IPv4-mapped IPv6 blocks become IPv4.
    public init?(address: [UInt8], length: Int) {
        guard address.count == 4 || address.count == 16, (0...address.count * 8).contains(length) else { return nil }
        var (address, length) = (address, length)
        if length >= 96, let mapped = Self.unmapped(address) {
            (address, length) = (mapped, length - 96)
        }
        for index in address.indices {
            let kept = min(8, max(0, length - index * 8))
            address[index] &= ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        self.address = address
        self.length = length
    }

    /// Whether an address (4 or 16 bytes, network order) lies in the block; an IPv4-mapped IPv6 address counts as IPv4.
    public func contains(_ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        guard let other = NetworkPrefix(address: bytes, length: bytes.count * 8), other.address.count == address.count
        else { return false }
        return NetworkPrefix(address: other.address, length: length)?.address == address
    }

    private static func unmapped(_ address: [UInt8]) -> [UInt8]? {
        guard address.count == 16, address.prefix(10).allSatisfy({ $0 == 0 }), address[10] == 0xFF, address[11] == 0xFF
        else { return nil }
        return Array(address.suffix(4))
    }
}

extension NetworkPrefix: ConfigValue {
    /// An address, or an address and a length.
    public init?(configText: String) {
        let parts = configText.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let bytes = Self.parse(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(address: bytes, length: bytes.count * 8)
            return
        }
        guard let length = Int(configText: String(parts[1])) else { return nil }
        self.init(address: bytes, length: length)
    }

    /// `address/length`.
    public var configText: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "" }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        return String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/\(length)"
    }

    /// What a person is told to write.
    public static var expectation: String { "a network such as 10.0.0.0/8, fd00::/8 or 127.0.0.1" }

    private static func parse(_ text: Substring) -> [UInt8]? {
        // A C string ends at NUL, so that must not get through.
        guard text.utf8.count < Int(INET6_ADDRSTRLEN), !text.utf8.contains(0) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, String(text), &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, String(text), &bytes) == 1 ? bytes : nil
    }
}

extension NetworkPrefix: CustomStringConvertible {
    /// Same as ``configText``.
    public var description: String { configText }
}
