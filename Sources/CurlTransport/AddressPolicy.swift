public import Content

/// Which addresses a transfer may connect to.
///
/// It is asked at connect time, after name resolution, for every address of every redirect hop, and again before a
/// request goes over a connection that an earlier transfer has made.
public struct AddressPolicy: Sendable, Hashable {
    private let allowed: [NetworkPrefix]?

    /// Every address.
    public static let any = AddressPolicy(allowed: nil)

    /// Refuses loopback, link-local, unspecified, multicast and broadcast addresses, also where they hide in an IPv6
    /// address (v4-mapped, v4-compatible, NAT64, 6to4), unless one of the prefixes has them; and private ones where a redirect
    /// leads there from a public place.
    public static func guarded(allow: [NetworkPrefix]) -> AddressPolicy { AddressPolicy(allowed: allow) }

    /// The same policy that lets these networks be, too.
    public func allowing(_ more: [NetworkPrefix]) -> AddressPolicy {
        AddressPolicy(allowed: allowed.map { $0 + more })
    }

    /// Whether a connection to the address may be made.
    ///
    /// `sentByPublic`: it was a server at a public address that redirected there, which has no say in private networks.
    func permits(_ address: IPAddress, sentByPublic: Bool = false) -> Bool {
        guard let allowed else { return true }
        let meant = [address] + address.embedded
        return meant.allSatisfy { !$0.isSpecial && !(sentByPublic && $0.isPrivate) }
            || meant.contains { one in allowed.contains { $0.contains(one) } }
    }

    /// Whether the host of a URL is a name or address that is refused without asking anybody, as a proxy would resolve
    /// it out of our sight.
    func permits(host: String, sentByPublic: Bool = false) -> Bool {
        if let address = IPAddress(withZone: host) { return permits(address, sentByPublic: sentByPublic) }
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        if name == "localhost" || name.hasSuffix(".localhost") {
            return IPAddress("127.0.0.1").map { permits($0) } ?? false
        }
        return true
    }
}
