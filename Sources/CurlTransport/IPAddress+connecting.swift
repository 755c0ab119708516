internal import Content
internal import Glibc

/// What matters about an address that a connection is about to be made to.
extension IPAddress {
    /// Parses the usual text forms; a zone (`%eth0`) is left out.
    init?(withZone text: some StringProtocol) { self.init(text.prefix { $0 != "%" }) }

    /// The address in a socket address; nil for another family than IPv4 and IPv6.
    init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let value = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            self.init(bytes: withUnsafeBytes(of: value) { Array($0) })
        case AF_INET6:
            let value = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            self.init(bytes: withUnsafeBytes(of: value) { Array($0) })
        default: return nil
        }
    }

    /// The IPv4 addresses that packets to this IPv6 address can end at: mapped and compatible (RFC 4291 §2.5.5),
    /// NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
    var embedded: [IPAddress] {
        guard bytes.count == 16, let last = IPAddress(bytes: Array(bytes[12...])) else { return [] }
        if bytes[..<12].allSatisfy({ $0 == 0 }) {
            // `::` and `::1` are addresses of their own.
            return bytes[12...].elementsEqual([0, 0, 0, 0]) || bytes[12...].elementsEqual([0, 0, 0, 1]) ? [] : [last]
        }
        if unmapped != self { return [last] }
        if bytes[..<8].allSatisfy({ $0 == 0 }), bytes[8] == 0xFF, bytes[9] == 0xFF, bytes[10] == 0, bytes[11] == 0 {
            return [last]
        }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) {
            guard bytes[4] == 0, bytes[5] == 1,
                let local = IPAddress(bytes: [bytes[6], bytes[7], bytes[9], bytes[10]])
            else { return [last] }
            return [last, local]
        }
        if bytes.starts(with: [0x20, 0x02]) { return IPAddress(bytes: Array(bytes[2..<6])).map { [$0] } ?? [] }
        return []
    }

    /// In a network that is not the internet's: private use (RFC 1918), shared (RFC 6598) or unique local (RFC 4193).
    var isPrivate: Bool {
        if bytes.count == 16 { return bytes[0] & 0xFE == 0xFC }
        return switch (bytes[0], bytes[1]) {
        case (10, _), (172, 16...31), (192, 168), (100, 64...127): true
        default: false
        }
    }

    /// Not of the internet, in whatever form it is written.
    var isNear: Bool { ([self] + embedded).contains { $0.isPrivate || $0.isSpecial } }

    /// Loopback, link-local, unspecified ("this network"), multicast or broadcast.
    var isSpecial: Bool {
        if bytes.count == 4 {
            return switch (bytes[0], bytes[1]) {
            case (0, _), (127, _), (169, 254), (224...239, _): true
            default: bytes == [255, 255, 255, 255]
            }
        }
        if bytes[..<15].allSatisfy({ $0 == 0 }), bytes[15] <= 1 { return true }
        return bytes[0] == 0xFF || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
    }
}
