package import CacheStore
package import Content

/// Fetched content goes into the store, as the content of one task.
package struct StoreDestination: FetchDestination {
    package let store: CacheStore
    package let task: TaskID
    private let records: RecordMemory?

    /// `records`: what remembers the records of tasks that are asked for often.
    package init(store: CacheStore, task: TaskID, records: RecordMemory? = nil) {
        self.store = store
        self.task = task
        self.records = records
    }

    package func earlier() -> (file: PieceFile, record: OriginRecord)? {
        stored { if case .incomplete = $0 { true } else { false } }
    }

    /// Complete content.
    package func complete() -> (file: PieceFile, record: OriginRecord)? {
        stored { if case .complete = $0 { true } else { false } }
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

    private func stored(_ isRight: (TaskRecord.State) -> Bool) -> (file: PieceFile, record: OriginRecord)? {
        guard let stored = store.record(of: task), isRight(stored.state), let record = record(stored.metadata),
            let file = try? store.open(task)
        else { return nil }
        return (file, record)
    }

    private func record(_ metadata: [UInt8]) -> OriginRecord? {
        if let records { records.record(of: task, metadata) } else { OriginRecord(metadata) }
    }
}
