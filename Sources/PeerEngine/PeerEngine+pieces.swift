package import CacheStore
package import Content
package import PieceServer

extension PeerEngine: PieceSource {
    package func content(of task: TaskID) -> (file: PieceFile, generation: Generation)? {
        if let (file, generation) = current(task) { return (file, generation) }
        return stored(task)
    }

    package func key(of peer: PeerID) -> PeerKey? { identity.key(of: peer) }
}
