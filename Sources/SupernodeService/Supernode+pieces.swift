package import CacheStore
package import Content
package import PieceServer

extension Supernode: PieceSource {
    package func content(of task: TaskID) -> (file: PieceFile, generation: Generation)? {
        guard let task = tasks.task(task), let file = task.file, let generation = task.generation else { return nil }
        return (file, generation)
    }

    package func key(of peer: PeerID) -> PeerKey? { peer == seed.id ? seed.key : nil }

    package var servesOpenings: Bool { true }

    package func mayServe(_ piece: PieceIndex, of task: TaskID) -> Bool {
        tasks.task(task)?.hasPublished(piece) ?? false
    }
}
