import Content
import Synchronization

/// The registered peers.
final class PeerDirectory: Sendable {
    /// So many ticks it takes to look at every peer once.
    static let shares = 4

    private struct Entry {
        let session: PeerSession
        let share: Int
    }

    private let peers = Mutex<[PeerID: Entry]>([:])

    /// Returns false, and adds nothing, where `most` are there already.
    func add(_ session: PeerSession, most: Int) -> Bool {
        peers.withLock { peers in
            guard peers.count < most else { return false }
            peers[session.id] = Entry(session: session, share: peers.count % Self.shares)
            return true
        }
    }

    func session(_ id: PeerID) -> PeerSession? { peers.withLock { $0[id]?.session } }

    @discardableResult
    func remove(_ id: PeerID) -> PeerSession? { peers.withLock { $0.removeValue(forKey: id)?.session } }

    var all: [PeerSession] { peers.withLock { $0.values.map(\.session) } }

    /// One part of the peers: all parts together are all peers.
    func share(_ share: Int) -> [PeerSession] {
        peers.withLock { peers in
            var sessions: [PeerSession] = []
            sessions.reserveCapacity(peers.count / Self.shares + 16)
            for entry in peers.values where entry.share == share { sessions.append(entry.session) }
            return sessions
        }
    }

    var count: Int { peers.withLock { $0.count } }

    /// Takes out a peer if it is still silent for longer than `limit`.
    func removeSilent(_ session: PeerSession, for limit: Duration, at now: ContinuousClock.Instant) -> Bool {
        peers.withLock { peers in
            guard session.silence(at: now) > limit else { return false }
            return peers.removeValue(forKey: session.id) != nil
        }
    }
}
