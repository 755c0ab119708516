import CacheStore
import Content
import HTTPService
import HTTPTypes
import PeerEngine
import Synchronization
import WireAPI

/// An answer that can begin: its first bytes are here, or it has none.
final class BlobStart: Sendable {
    let length: Int64?
    let headers: HTTPFields
    let range: ByteRange?
    let first: First
    private let reading: Mutex<BlobReading?>

    /// What the answer begins with.
    enum First: Sendable {
        /// Bytes of the download's file.
        case arrival(Arrival)
        /// The whole's first bytes, before they are in the file and verified.
        case opening([UInt8])
    }

    init(_ reading: BlobReading, range: ByteRange?, first: First, headers: HTTPFields) {
        length = reading.length
        self.range = range
        self.first = first
        self.headers = headers
        self.reading = Mutex(reading)
    }

    /// The client's part in the download, for the one who sends the answer.
    func take() -> BlobReading? { reading.withLock { $0.take() } }
}

/// A download that is being begun, for whoever watches whether anything of it arrives.
final class WatchedDownload: Sendable {
    private let download = Mutex<TaskDownload?>(nil)

    var arrived: Int64? { download.withLock { $0 }.map { $0.arrived } ?? 0 }

    /// Begins a download, or takes part in one, and waits for its head.
    func read(_ blob: BlobRequest, _ engine: PeerEngine) async throws -> BlobReading {
        let download = try await engine.download(try await blob.download())
        self.download.withLock { $0 = download }
        return try await BlobReading(download)
    }
}
