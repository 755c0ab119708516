import BackendAPI
package import CacheStore
import Content
package import OriginFetch
import Synchronization
package import WireAPI

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

    /// The downloads that are complete and only offered.
    var seeds: [TaskDownload] { downloads.withLock { $0.values.filter(\.hasSucceeded) } }

    /// Offers complete content of the store to the swarm at the task's own supernode.
    func offer(_ task: TaskID, _ record: OriginRecord) {
        guard let store, let address = Array(connections.keys).ordered(for: task).first,
            let connection = connections[address]
        else { return }
        let request = DownloadRequest(
            resource: record.url.map { Resource(url: $0, digest: record.digest) },
            digest: record.digest
        )
        let place = StoredDestination(store: store, task: task)
        guard let (file, _) = place.complete() else { return }
        let seed = TaskDownload(
            request,
            taskID: task,
            destination: place,
            configuration: configuration,
            logger: logger
        )
        seed.hit(file, record)
        let isNew = downloads.withLock { downloads -> Bool in
            guard downloads[task] == nil else { return false }
            downloads[task] = seed
            return true
        }
        guard isNew else { return }
        jobs.submit {
            await seed.offer(at: connection)
            self.forget(seed)
        }
    }

    /// The registration at a supernode and the number of the last call, for another process of this node to go on with.
    package func handover(of address: SupernodeAddress) -> (registration: PeerRegistrationResponse, sequence: UInt64)? {
        connections[address]?.handover
    }

    /// Goes on with a registration that another process of this node had.
    package func adopt(_ registration: PeerRegistrationResponse, sequence: UInt64, at address: SupernodeAddress) {
        connections[address]?.adopt(registration, sequence: sequence)
    }

    /// Complete content that is not in the store, such as a finished output of dfget: it is announced to the supernode, and
    /// offered for as long as ``TaskDownload/keepOffering()`` of what is returned runs.
    ///
    /// Returns nil where the request names no task, or the supernode is none of this engine's.
    package func seed(
        _ request: DownloadRequest,
        _ file: PieceFile,
        _ record: OriginRecord,
        at address: SupernodeAddress
    ) -> TaskDownload? {
        guard let id = request.taskID, let connection = connections[address] else { return nil }
        let seed = TaskDownload(
            request,
            taskID: id,
            destination: HeldDestination(file: file, record: record),
            configuration: configuration,
            logger: logger
        )
        _ = seed.retain()
        seed.hit(file, record)
        seed.announce(to: connection)
        downloads.withLock { $0[id] = seed }
        connection.attach(seed)
        return seed
    }
}
