package import Content
package import PieceServer
import Synchronization

/// What a node tells a supernode of itself, and the keys that supernodes gave it: its piece server accepts tickets made
/// with one of them.
package final class NodeIdentity: Sendable {
    /// A name for people.
    package let name: String
    /// The address to be known by, where it is not the one the supernode sees.
    package let address: String?
    private let state = Mutex(State())

    private struct State {
        var port: Int?
        var waiters: [CheckedContinuation<Int, Never>] = []
        var keys: [PeerID: PeerKey] = [:]
    }

    package init(name: String, address: String? = nil) {
        self.name = name
        self.address = address
    }

    /// The port of the piece server; 0 as long as it does not listen.
    package var port: Int { state.withLock { $0.port ?? 0 } }

    /// The piece server listens at `port`.
    package func listens(at port: Int) {
        let waiters = state.withLock { state in
            state.port = port
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: port) }
    }

    /// The port of the piece server; waits until it listens.
    func boundPort() async -> Int {
        await withCheckedContinuation { continuation in
            let port = state.withLock { state -> Int? in
                if state.port == nil { state.waiters.append(continuation) }
                return state.port
            }
            if let port { continuation.resume(returning: port) }
        }
    }

    /// The key under which this node is the parent `peer`; nil if it is not.
    package func key(of peer: PeerID) -> PeerKey? { state.withLock { $0.keys[peer] } }

    package func add(_ key: PeerKey, of peer: PeerID) { state.withLock { $0.keys[peer] = key } }

    package func remove(_ peer: PeerID) { state.withLock { $0.keys[peer] = nil } }
}
