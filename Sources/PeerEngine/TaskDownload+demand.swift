package import Content
import OriginFetch
import Synchronization

/// What readers want of a download that fetches nothing else.
extension TaskDownload {
    /// A reader wants these bytes; what is returned says so until it is let go of.
    ///
    /// Nil where all is wanted anyway.
    package func want(_ range: ByteRange) -> Wish? { demand.isWhole ? nil : Wish(self, range) }

    /// Somebody wants all of the content.
    package func wantAll() {
        if demand.isWhole { return }
        demand.wantAll()
        state.withLock { $0.connection }?.tell()
    }

    /// What one reader wants of a download.
    package final class Wish: Sendable {
        private let download: TaskDownload
        private let ticket: UInt64

        fileprivate init(_ download: TaskDownload, _ range: ByteRange) {
            self.download = download
            ticket = download.demand.add(range)
            download.state.withLock { $0.connection }?.tell()
        }

        deinit {
            download.demand.remove(ticket)
            download.state.withLock { $0.connection }?.tell()
        }
    }
}
