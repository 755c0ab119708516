import Content
import OriginFetch
import PeerEngine
import Synchronization

/// Keeps downloads going of which clients have wanted parts only, until all of the content is here.
final class Prefetches: Sendable {
    /// So many at once: what they bring nobody has asked for yet.
    static let most = 16

    private let jobs: BackgroundJobs
    private let running = Mutex<Set<TaskID>>([])

    init(jobs: BackgroundJobs) { self.jobs = jobs }

    /// Takes part in a download to its end, unless there are too many already.
    func keep(_ download: TaskDownload) {
        let task = download.taskID
        let isOurs = running.withLock { running in
            running.count < Self.most && running.insert(task).inserted
        }
        guard isOurs else { return }
        guard download.retain() else { return end(task) }
        let isAccepted = jobs.submit {
            _ = try? await download.completion()
            download.release()
            self.end(task)
        }
        if !isAccepted {
            download.release()
            end(task)
        }
    }

    private func end(_ task: TaskID) { running.withLock { _ = $0.remove(task) } }
}
