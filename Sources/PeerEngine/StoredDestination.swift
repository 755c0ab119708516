package import CacheStore
package import Content
package import OriginFetch

/// Downloads go into the node's store.
package struct StoredDestination: DownloadDestination {
    private let store: CacheStore
    private let task: TaskID

    package init(store: CacheStore, task: TaskID) {
        self.store = store
        self.task = task
    }

    package var keepsFile: Bool { false }

    package func earlier() -> (file: PieceFile, record: OriginRecord)? {
        guard let stored = store.record(of: task), case .incomplete = stored.state,
            let record = OriginRecord(stored.metadata), let file = try? store.open(task)
        else { return nil }
        return (file, record)
    }

    package func complete() -> (file: PieceFile, record: OriginRecord)? {
        guard let stored = store.record(of: task), case .complete = stored.state,
            let record = OriginRecord(stored.metadata), let file = try? store.open(task)
        else { return nil }
        return (file, record)
    }

    package func create(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout
    ) throws(StoreError) -> PieceFile {
        try store.create(
            task,
            generation: generation,
            layout: layout,
            metadata: record.encoded,
            contentHash: record.digest?.algorithm ?? .sha256
        )
    }

    package func open(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout
    ) throws(StoreError) -> PieceFile {
        if let stored = store.record(of: task), stored.generation == generation,
            stored.layout.pieceSize == layout.pieceSize, let file = try store.open(task)
        {
            store.setMetadata(record.encoded, of: task)
            return file
        }
        return try store.create(
            task,
            generation: generation,
            layout: layout,
            metadata: record.encoded,
            contentHash: nil
        )
    }

    package func finish(_ file: PieceFile, expected: [Digest], verified: Bool) async throws(StoreError) {
        _ = try await store.complete(file, expecting: expected, hashContent: !verified)
    }
}
