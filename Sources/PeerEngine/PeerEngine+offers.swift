import CacheStore
import Content
import OriginFetch

extension PeerEngine {
    /// How often it is looked for content that has been evicted.
    private static let round = Duration.seconds(15)

    /// Offers what the store holds from earlier, and takes back what the store evicts, until cancelled.
    func keepOffers() async {
        offerStored()
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.round) } catch { return }
            for seed in seeds where isEvicted(seed) { seed.withdraw() }
        }
    }

    private func isEvicted(_ seed: TaskDownload) -> Bool {
        guard !seed.destination.keepsFile, let store else { return false }
        guard let stored = store.record(of: seed.taskID), case .complete = stored.state else { return true }
        return false
    }

    /// Content that is named by its digest and open to everybody can be offered without anybody's credentials.
    private func offerStored() {
        guard let store else { return }
        for stored in store.records() {
            guard case .complete = stored.state, let record = OriginRecord(stored.metadata), record.openAccess,
                let digest = record.digest, TaskID(content: digest) == stored.task
            else { continue }
            offer(stored.task, record)
        }
    }
}
