internal import Content
internal import Synchronization

/// Ties a ``PieceFile`` to its task in the store.
final class StoreJournal: PieceJournal {
    let store: CacheStore
    let task: TaskID
    /// The task's number in the index: another one once the task has been replaced.
    let ref: Int64
    let object: Int64

    init(store: CacheStore, task: TaskID, ref: Int64, object: Int64) {
        self.store = store
        self.task = task
        self.ref = ref
        self.object = object
    }

    func reserve(upTo end: Int64) throws(StoreError) {
        let charged = store.catalog.withLock { $0.objects[object]?.charged ?? 0 }
        if end > charged { try store.makeRoom(for: end - charged) { $0.charge(end - charged, to: self.object) } }
    }

    func committed(_ piece: PieceIndex, _ check: PieceCheck, byteCount: Int64) {
        store.catalog.withLock { catalog in
            catalog.commit(byteCount, of: object)
            guard catalog.task(task, ref: ref) != nil else { return }
            catalog.tasks[task]?.committed.insert(piece)
            store.writer.append([.addPiece(task: ref, piece, check)])
        }
    }

    func learned(length: Int64) {
        store.catalog.withLock { catalog in
            guard let layout = catalog.task(task, ref: ref)?.row.layout else { return }
            catalog.tasks[task]?.row.layout = layout.with(length: length)
            store.writer.append([.setLength(task: ref, length)])
        }
    }

    func closed() {
        store.catalog.withLock { $0.release(object) }
    }
}
