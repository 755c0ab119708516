import Content
import OriginFetch
import PeerEngine
import Synchronization

/// Keeps downloads going of which clients have wanted parts only, until all of the content is here.
final class Prefetches: Sendable {
    /// So many at once: what they bring nobody has asked for yet.
    static let most = 16
    /// What has to arrive within anybody's patience, in bytes: whatever trickles in gives its place to others.
    static let least: Int64 = 256 << 10

    private let patience: Duration
    private let jobs: BackgroundJobs
    private let running = Mutex<Set<TaskID>>([])

    init(patience: Duration, jobs: BackgroundJobs) {
        self.patience = patience
        self.jobs = jobs
    }

    /// How many there are.
    var count: Int { running.withLock { $0.count } }

    /// Takes part in a download to its end, unless there are too many already.
    func keep(_ download: TaskDownload) {
        let task = download.taskID
        let isOurs = running.withLock { running in
            running.count < Self.most && running.insert(task).inserted
        }
        guard isOurs else { return }
        guard download.retain() else { return end(task) }
        let isAccepted = jobs.submit { [patience] in
            _ = try? await Patience(patience).wait(watching: { Self.progress(download.arrived) }) {
                try await download.completion()
            }
            download.release()
            self.end(task)
        }
        if !isAccepted {
            download.release()
            end(task)
        }
    }

    /// What counts of the bytes that have arrived; nil: all.
    static func progress(_ arrived: Int64?) -> Int64? { arrived.map { $0 / least } }

    private func end(_ task: TaskID) { running.withLock { _ = $0.remove(task) } }
}
