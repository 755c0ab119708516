import CacheStore
import Content
import OriginFetch

/// Fetched content goes into the store.
struct StoreDestination: FetchDestination {
    let store: CacheStore
    let task: TaskID

    func earlier() -> (file: PieceFile, record: OriginRecord)? {
        guard let stored = store.record(of: task), case .incomplete = stored.state,
            let record = OriginRecord(stored.metadata), let file = try? store.open(task)
        else { return nil }
        return (file, record)
    }

    func create(_ record: OriginRecord, generation: Generation, layout: PieceLayout) throws(StoreError) -> PieceFile {
        try store.create(
            task,
            generation: generation,
            layout: layout,
            metadata: record.encoded,
            contentHash: record.digest?.algorithm ?? .sha256
        )
    }
}
