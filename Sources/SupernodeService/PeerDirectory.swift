import Content
import PieceServer
import Synchronization
import WireAPI

/// The registered peers.
final class PeerDirectory: Sendable {
    private let peers = Mutex<[PeerID: PeerSession]>([:])

    func add(_ session: PeerSession) { peers.withLock { $0[session.id] = session } }

    func session(_ id: PeerID) -> PeerSession? { peers.withLock { $0[id] } }

    @discardableResult
    func remove(_ id: PeerID) -> PeerSession? { peers.withLock { $0.removeValue(forKey: id) } }

    var all: [PeerSession] { peers.withLock { Array($0.values) } }

    var count: Int { peers.withLock { $0.count } }

    /// Takes out the peers that have been silent for longer than `limit`.
    func removeSilent(for limit: Duration, at now: ContinuousClock.Instant) -> [PeerSession] {
        peers.withLock { peers in
            let silent = peers.values.filter { $0.silence(at: now) > limit }
            for session in silent { peers[session.id] = nil }
            return silent
        }
    }
}
