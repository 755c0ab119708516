import PeerEngine
import Synchronization

/// One client's interest in a download: given back exactly once, whatever becomes of the client.
final class DownloadLease: Sendable {
    let download: TaskDownload
    private let isReleased = Mutex(false)

    init(_ download: TaskDownload) { self.download = download }

    deinit { release() }

    func release() {
        let isFirst = isReleased.withLock { isReleased in
            defer { isReleased = true }
            return !isReleased
        }
        if isFirst { download.release() }
    }
}
