package import CacheStore
package import Content
package import OriginFetch

/// Downloads go into the node's store.
package struct StoredDestination: DownloadDestination {
    private let base: StoreDestination

    package init(store: CacheStore, task: TaskID, records: RecordMemory? = nil) {
        base = StoreDestination(store: store, task: task, records: records)
    }

    package var keepsFile: Bool { false }

    package func earlier() -> (file: PieceFile, record: OriginRecord)? { base.earlier() }

    package func complete() -> (file: PieceFile, record: OriginRecord)? { base.complete() }

    package func confirm(_ record: OriginRecord) { base.store.setMetadata(record.encoded, of: base.task) }

    package func create(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout
    ) throws(StoreError) -> PieceFile {
        try base.create(record, generation: generation, layout: layout)
    }

    package func open(
        _ record: OriginRecord,
        generation: Generation,
        layout: PieceLayout
    ) throws(StoreError) -> PieceFile {
        if let stored = base.store.record(of: base.task), stored.generation == generation,
            stored.layout.pieceSize == layout.pieceSize, let file = try base.store.open(base.task)
        {
            base.store.setMetadata(record.encoded, of: base.task)
            return file
        }
        // The supernode's piece digests vouch for the content: it is not hashed once more.
        return try base.store.create(
            base.task,
            generation: generation,
            layout: layout,
            metadata: record.encoded,
            contentHash: nil
        )
    }

    package func finish(_ file: PieceFile, expected: [Digest], verified: Bool) async throws(StoreError) {
        _ = try await base.store.complete(file, expecting: expected, hashContent: !verified)
    }
}
