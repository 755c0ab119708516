import CacheStore
import Content
import OriginFetch

/// Content that is complete and stays where it is.
struct HeldDestination: DownloadDestination {
    let file: PieceFile
    let record: OriginRecord

    var keepsFile: Bool { true }

    func earlier() -> (file: PieceFile, record: OriginRecord)? { nil }

    func complete() -> (file: PieceFile, record: OriginRecord)? { (file, record) }

    func create(_ record: OriginRecord, generation: Generation, layout: PieceLayout) throws(StoreError) -> PieceFile {
        throw StoreError(.readOnly, "this content is only offered, not fetched")
    }

    func open(_ record: OriginRecord, generation: Generation, layout: PieceLayout) throws(StoreError) -> PieceFile {
        guard generation == file.generation else {
            throw StoreError(.readOnly, "this content is only offered, not fetched")
        }
        return file
    }

    func finish(_ file: PieceFile, expected: [Digest], verified: Bool) async throws(StoreError) {}
}
