import BackendAPI
import CacheStore
package import Content
package import OriginFetch
import Synchronization
import WireAPI

/// Who may have what is here, or on its way, already.
extension PeerEngine {
    /// Content that is here and good for the request as it is, nil where there is none: no supernode is asked for it, and the
    /// origin only whether credentials may have it.
    ///
    /// The caller releases it when done.
    ///
    /// `inOutage`: the origin has just been asked in vain, and is not asked again: what it said before counts.
    package func held(
        _ request: DownloadRequest,
        inOutage: Bool = false
    ) async throws(DownloadError) -> TaskDownload? {
        guard let id = request.taskID, let store else { return nil }
        let place = StoredDestination(store: store, task: id, records: records)
        return try await complete(request, id, place, inOutage: inOutage)
    }

    /// The same, where nobody has to be asked at all.
    package func heldAtOnce(_ request: DownloadRequest) -> TaskDownload? {
        guard let id = request.taskID, let store else { return nil }
        let place = StoredDestination(store: store, task: id, records: records)
        guard let (file, record) = good(request, place),
            inquiries.permitsAtOnce(
                request.source,
                HeldContent(record, of: id, file.generation, length: file.layout.length)
            )
        else { return nil }
        return hit(request, id, place, file, record)
    }

    /// What the origin said of the content of `task` that is here, whether it is still good or not; nil where there is none.
    package func heldRecord(of task: TaskID) -> OriginRecord? {
        store.flatMap { StoredDestination(store: $0, task: task, records: records).complete()?.record }
    }

    /// Whether the request may share a download under way, which is let go of otherwise.
    func shared(_ current: TaskDownload, _ request: DownloadRequest) async throws(DownloadError) -> Bool {
        do throws(DownloadError) {
            if try await share(current, request) {
                current.takePart(request)
                return true
            }
        } catch {
            current.release()
            throw error
        }
        current.release()
        return false
    }

    private func share(_ current: TaskDownload, _ request: DownloadRequest) async throws(DownloadError) -> Bool {
        if current.request.credentials == request.credentials, current.request.pattern == request.pattern {
            return true
        }
        let head: TaskDownload.Head
        do throws(DownloadError) {
            head = try await current.head()
        } catch {
            // Somebody else's credentials were refused; these may be better.
            return false
        }
        if try await permit(request, current.taskID, head.record, head.file) { return true }
        // Two downloads of one task would take each other's news.
        _ = try? await current.completion()
        return false
    }

    /// Complete content of the store that needs nobody's word but the origin's on who may have it.
    func complete(
        _ request: DownloadRequest,
        _ id: TaskID,
        _ place: StoredDestination,
        inOutage: Bool = false
    ) async throws(DownloadError) -> TaskDownload? {
        guard let (file, record) = good(request, place),
            try await permit(request, id, record, file, inOutage: inOutage)
        else { return nil }
        return hit(request, id, place, file, record)
    }

    /// Content that is complete here and not too old.
    private func good(
        _ request: DownloadRequest,
        _ place: StoredDestination
    ) -> (file: PieceFile, record: OriginRecord)? {
        guard request.pattern != .source, let (file, record) = place.complete() ?? byDigest(request),
            record.isFresh(at: UnixTime.now(), named: request.digest, request.freshness)
        else { return nil }
        return (file, record)
    }

    private func hit(
        _ request: DownloadRequest,
        _ id: TaskID,
        _ place: StoredDestination,
        _ file: PieceFile,
        _ record: OriginRecord
    ) -> TaskDownload {
        store?.touch(file.task)
        let hit = TaskDownload(request, taskID: id, destination: place, configuration: configuration, logger: logger)
        _ = hit.retain()
        hit.hit(file, record)
        return hit
    }

    private func byDigest(_ request: DownloadRequest) -> (file: PieceFile, record: OriginRecord)? {
        guard let digest = request.digest, let file = try? store?.open(content: digest),
            let stored = store?.record(of: file.task), var record = OriginRecord(stored.metadata)
        else { return nil }
        record.digest = digest
        return (file, record)
    }

    /// Content that is here is given only to whom the origin would give it.
    ///
    /// Returns false if the origin has other content for the request's credentials.
    private func permit(
        _ request: DownloadRequest,
        _ id: TaskID,
        _ record: OriginRecord,
        _ file: PieceFile,
        inOutage: Bool = false
    ) async throws(DownloadError) -> Bool {
        let held = HeldContent(record, of: id, file.generation, length: file.layout.length)
        do throws(AccessFailure) {
            try await inquiries.permit(request.source, inOutage: inOutage) { held }
            return true
        } catch {
            if case .otherContent = error { return false }
            throw DownloadError(error)
        }
    }
}

extension DownloadRequest {
    /// The way to the content; nil where only its digest is known.
    var source: Source? { resource.map { Source(resource: $0, credentials: credentials) } }
}

extension TaskDownload {
    /// The origin gives the content to this download's credentials: as of `age` ago at most.
    func learnPermission(_ inquiries: OriginInquiries, heard age: Duration = .zero) {
        let (file, record) = state.withLock { ($0.file, $0.record) }
        guard let source = request.source, let file, let record else { return }
        inquiries.learn(
            source,
            HeldContent(record, of: taskID, file.generation, length: file.layout.length),
            heard: age
        )
    }
}
