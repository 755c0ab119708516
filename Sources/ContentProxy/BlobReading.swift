import Content
import PeerEngine
import Synchronization

/// One client's part in a download; when nobody holds it any longer, the download knows.
final class BlobReading: Sendable {
    let download: TaskDownload
    let head: TaskDownload.Head
    /// The content's length as it is known at the beginning: it may become known later, but an answer is one or the other.
    let length: Int64?
    private let wish = Mutex<TaskDownload.Wish?>(nil)

    /// Waits for the content's head; a download that comes to nothing is let go of.
    init(_ download: TaskDownload) async throws {
        do {
            head = try await download.head()
            length = head.length
        } catch {
            download.release()
            throw error
        }
        self.download = download
    }

    deinit { download.release() }

    /// The client reads these bytes; nil: all.
    func want(_ range: ByteRange?) {
        guard let range, range != length.map({ ByteRange(length: $0) }) else { return download.wantAll() }
        let wish = download.want(range)
        self.wish.withLock { $0 = wish }
    }
}
