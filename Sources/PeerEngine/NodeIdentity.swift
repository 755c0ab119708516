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
    /// Whether the piece server speaks TLS.
    package let speaksTLS: Bool
    private let state = Mutex(State())

    private struct State {
        var port: Int?
        var waiters: [UInt64: CheckedContinuation<Int?, Never>] = [:]
        var nextWaiter: UInt64 = 0
        var keys: [PeerID: PeerKey] = [:]
    }

    package init(name: String, address: String? = nil, speaksTLS: Bool = false) {
        self.name = name
        self.address = address
        self.speaksTLS = speaksTLS
    }

    /// The port of the piece server; 0 as long as it does not listen.
    package var port: Int { state.withLock { $0.port ?? 0 } }

    /// The piece server listens at `port`.
    package func listens(at port: Int) {
        let waiters = state.withLock { state in
            state.port = port
            defer { state.waiters = [:] }
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters { waiter.resume(returning: port) }
    }

    /// The port of the piece server; waits until it listens, or the task is cancelled: it may never listen.
    func boundPort() async throws(CancellationError) -> Int {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let port = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (waits, port) = state.withLock { state -> (Bool, Int?) in
                    guard state.port == nil, !Task.isCancelled else { return (false, state.port) }
                    state.waiters[number] = continuation
                    return (true, nil)
                }
                if !waits { continuation.resume(returning: port) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
        }
        guard let port else { throw CancellationError() }
        return port
    }

    /// The key under which this node is the parent `peer`; nil if it is not.
    package func key(of peer: PeerID) -> PeerKey? { state.withLock { $0.keys[peer] } }

    package func add(_ key: PeerKey, of peer: PeerID) { state.withLock { $0.keys[peer] = key } }

    package func remove(_ peer: PeerID) { state.withLock { $0.keys[peer] = nil } }
}
