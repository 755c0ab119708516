import Content
import PieceServer

/// The supernode as a parent: its identity, and the key of the tickets that its own piece server accepts.
struct SeedIdentity: Sendable {
    let id = PeerID()
    let key = PeerKey()
}
