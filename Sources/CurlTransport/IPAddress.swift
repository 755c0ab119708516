internal import Glibc

/// An IPv4 or IPv6 address as its 4 or 16 bytes.
struct IPAddress: Hashable, Sendable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Parses the usual text forms; a zone (`%eth0`) is left out.
    init?(_ text: some StringProtocol) {
        let address = String(text.prefix { $0 != "%" })
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, address, &bytes) == 1 {
                self.bytes = bytes
                return
            }
        }
        return nil
    }

    /// The address in a socket address; nil for another family than IPv4 and IPv6.
    init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET:
            let value = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            bytes = withUnsafeBytes(of: value) { Array($0) }
        case AF_INET6:
            let value = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            bytes = withUnsafeBytes(of: value) { Array($0) }
        default: return nil
        }
    }

    /// The IPv4 addresses that packets to this IPv6 address can end at: mapped and compatible (RFC 4291 §2.5.5),
    /// NAT64 (RFC 6052, RFC 8215) and 6to4 (RFC 3056).
    var embedded: [IPAddress] {
        guard bytes.count == 16 else { return [] }
        let last = IPAddress(Array(bytes[12...]))
        if bytes[..<12].allSatisfy({ $0 == 0 }) {
            // `::` and `::1` are addresses of their own.
            return bytes[12...].elementsEqual([0, 0, 0, 0]) || bytes[12...].elementsEqual([0, 0, 0, 1]) ? [] : [last]
        }
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF { return [last] }
        if bytes[..<8].allSatisfy({ $0 == 0 }), bytes[8] == 0xFF, bytes[9] == 0xFF, bytes[10] == 0, bytes[11] == 0 {
            return [last]
        }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) {
            let local = IPAddress([bytes[6], bytes[7], bytes[9], bytes[10]])
            return bytes[4] == 0 && bytes[5] == 1 ? [last, local] : [last]
        }
        if bytes.starts(with: [0x20, 0x02]) { return [IPAddress(Array(bytes[2..<6]))] }
        return []
    }

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

extension IPAddress: CustomStringConvertible {
    /// The usual text form.
    var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
