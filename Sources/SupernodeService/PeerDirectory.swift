import Content
import Synchronization

/// The registered peers.
final class PeerDirectory: Sendable {
    private let peers = Mutex<[PeerID: PeerSession]>([:])

    /// Returns false, and adds nothing, where `most` are there already.
    func add(_ session: PeerSession, most: Int) -> Bool {
        peers.withLock { peers in
            guard peers.count < most else { return false }
            peers[session.id] = session
            return true
        }
    }

    func session(_ id: PeerID) -> PeerSession? { peers.withLock { $0[id] } }

    @discardableResult
    func remove(_ id: PeerID) -> PeerSession? { peers.withLock { $0.removeValue(forKey: id) } }

    var all: [PeerSession] { peers.withLock { Array($0.values) } }

    var count: Int { peers.withLock { $0.count } }

    /// Takes out a peer if it is still silent for longer than `limit`.
    func removeSilent(_ session: PeerSession, for limit: Duration, at now: ContinuousClock.Instant) -> Bool {
        peers.withLock { peers in
            guard session.silence(at: now) > limit else { return false }
            return peers.removeValue(forKey: session.id) != nil
        }
    }
}
