package import Content

/// Who counts as one where children complain of a parent.
///
/// Whoever runs a node can register as often as they like, so registrations are not what is counted.
package enum Voice: Sendable, Hashable {
    /// A peer of which no address is known.
    case peer(PeerID)
    /// All peers that call from this address.
    case address(IPAddress)
}
