package import BackendAPI
package import CacheStore
import Content
package import CurlTransport
package import Logging
import NodeConfig
package import OriginFetch
import ServiceLifecycle
import Synchronization
package import WireAPI

/// Downloads on one node: joins tasks at the supernodes, fetches assigned pieces, keeps what it has and offers it to others.
package final class PeerEngine: Service {
    package let identity: NodeIdentity
    private let configuration: PeerEngineConfiguration
    private let connections: [SupernodeAddress: SupernodeConnection]
    private let fetcher: PieceFetcher
    private let origin: OriginFetcher
    private let backends: BackendRegistry
    let store: CacheStore?
    private let jobs = BackgroundJobs()
    private let logger: Logger
    private let downloads = Mutex<[TaskID: TaskDownload]>([:])
    private let accesses = Mutex<[TaskID: SourceAccess]>([:])

    /// What the engine talks to others with.
    package struct Links: Sendable {
        package var transport: CurlTransport
        /// For calls to supernodes.
        package var supernode: TransferOptions
        /// For pieces from parents.
        package var pieces: TransferOptions

        package init(transport: CurlTransport, supernode: TransferOptions, pieces: TransferOptions) {
            self.transport = transport
            self.supernode = supernode
            self.pieces = pieces
        }
    }

    /// `store`: where downloads go that have no destination of their own; nil: every download has one.
    ///
    /// `clusterToken`: what the supernodes want to see of a node that registers.
    package init(
        _ configuration: PeerEngineConfiguration,
        supernodes: [SupernodeAddress],
        identity: NodeIdentity,
        links: Links,
        backends: BackendRegistry,
        origin: OriginFetchConfiguration,
        store: CacheStore?,
        clusterToken: String?,
        logger: Logger
    ) {
        self.configuration = configuration
        self.identity = identity
        self.backends = backends
        self.store = store
        self.logger = logger
        self.origin = OriginFetcher(origin, logger: logger)
        fetcher = PieceFetcher(transport: links.transport, options: links.pieces)
        let connections = supernodes.map { address in
            SupernodeConnection(
                client: SupernodeClient(address: address, transport: links.transport, options: links.supernode),
                identity: identity,
                configuration: configuration,
                token: clusterToken,
                logger: logger
            )
        }
        self.connections = Dictionary(connections.map { ($0.address, $0) }) { first, _ in first }
    }

    /// Keeps the exchanges open and downloads, until shut down; then tells the supernodes that this node goes away.
    package func run() async throws {
        await withDiscardingTaskGroup { group in
            for connection in connections.values { group.addTask { await connection.run() } }
            group.addTask { await self.jobs.run() }
            group.addTask { await self.keepOffers() }
            do { try await gracefulShutdown() } catch {}
            for connection in connections.values { await connection.leave() }
            group.cancelAll()
        }
    }

    /// Starts a download, or takes part in the one of the same task that is under way.
    ///
    /// The caller releases it when done.
    ///
    /// Content that was got with credentials is shared only with a request whose own credentials the origin accepts.
    ///
    /// `destination`: where the pieces go; nil: the node's store.
    package func download(
        _ request: DownloadRequest,
        to destination: (any DownloadDestination)? = nil
    ) async throws(DownloadError) -> TaskDownload {
        guard let id = request.taskID else {
            throw DownloadError(.invalidRequest, "a download needs a URL or a digest")
        }
        if let destination { return start(make(request, id, destination)) }
        guard let store else { throw DownloadError(.storageFailed, "this node has no store") }
        let place = StoredDestination(store: store, task: id)
        if let current = running(id), try await shared(current, request) { return current }
        if let hit = try await complete(request, id, place) { return hit }
        let own = make(request, id, place)
        // Somebody else may have begun in the meantime: two at once would take each other's news.
        while let current = running(id, otherwise: own) {
            if try await shared(current, request) { return current }
        }
        return start(own)
    }

    /// A download of the task under way, kept for the caller; if there is none, `own` is it from now on.
    private func running(_ id: TaskID, otherwise own: TaskDownload? = nil) -> TaskDownload? {
        downloads.withLock { downloads in
            if let current = downloads[id], !current.isDone, current.retain() { return current }
            if let own { downloads[id] = own }
            return nil
        }
    }

    /// Whether the request may share a download under way, which is let go of otherwise.
    private func shared(_ current: TaskDownload, _ request: DownloadRequest) async throws(DownloadError) -> Bool {
        do throws(DownloadError) {
            if try await share(current, request) { return true }
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
        if try await permit(request, current.taskID, head.record, length: head.length) { return true }
        // Two downloads of one task would take each other's news.
        _ = try? await current.completion()
        return false
    }

    /// Complete content of the store that needs nobody's word but the origin's on who may have it.
    private func complete(
        _ request: DownloadRequest,
        _ id: TaskID,
        _ place: StoredDestination
    ) async throws(DownloadError) -> TaskDownload? {
        guard request.pattern != .source, let (file, record) = place.complete() ?? byDigest(request),
            record.isFresh(at: UnixTime.now())
        else { return nil }
        guard try await permit(request, id, record, length: file.layout.length) else { return nil }
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
        length: Int64?
    ) async throws(DownloadError) -> Bool {
        let source = request.resource.map { Source(resource: $0, credentials: request.credentials) }
        let decision = accesses.withLock { accesses in
            accesses[id, default: SourceAccess(isOpen: record.openAccess, origin: record.url?.origin)]
                .decide(source, at: .now)
        }
        switch decision {
        case .allow: return true
        case .refuse:
            throw DownloadError(.sourceUnverified, "the content here came with credentials from another origin")
        case .askOrigin:
            guard let source else { return true }
            let head: ContentHead
            do throws(BackendError) {
                let backend = try backends.backend(for: source.resource.url)
                head = try await backend.head(OriginRequest(resource: source.resource, credentials: source.credentials))
            } catch {
                throw DownloadError(error)
            }
            guard record.describes(head, length: length) else { return false }
            accesses.withLock { $0[id]?.permit(source, until: .now + configuration.permissionTime) }
            return true
        }
    }

    /// A download that is kept for the caller and has not begun.
    private func make(_ request: DownloadRequest, _ id: TaskID, _ place: any DownloadDestination) -> TaskDownload {
        let download = TaskDownload(
            request,
            taskID: id,
            destination: place,
            configuration: configuration,
            logger: logger
        )
        _ = download.retain()
        return download
    }

    private func start(_ download: TaskDownload) -> TaskDownload {
        let id = download.taskID
        downloads.withLock { $0[id] = download }
        accesses.withLock { $0[id] = nil }
        let order = Array(connections.keys).ordered(for: id).compactMap { connections[$0] }
        let environment = DownloadEnvironment(connections: order, fetcher: fetcher, origin: origin, backends: backends)
        let isAccepted = jobs.submit {
            await download.run(environment)
            // A seed that has been withdrawn, or a download that came to nothing, is remembered no longer.
            self.forget(download)
        }
        if !isAccepted {
            download.finish(.failure(DownloadError(.shuttingDown, "this node is shutting down")))
            forget(download)
        }
        return download
    }

    private func forget(_ download: TaskDownload) {
        downloads.withLock { downloads in
            if downloads[download.taskID] === download { downloads[download.taskID] = nil }
        }
    }
}

extension PeerEngine {
    /// The file of a download that holds on to it.
    func current(_ task: TaskID) -> (PieceFile, Generation)? {
        // An output that somebody has written to since is not offered any longer.
        guard let download = downloads.withLock({ $0[task] }), let file = download.file, file.isUnchanged,
            let generation = download.generation
        else { return nil }
        return (file, generation)
    }

    /// The file that the store has of a task.
    func stored(_ task: TaskID) -> (PieceFile, Generation)? {
        guard let file = try? store?.open(task) else { return nil }
        return (file, file.generation)
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

    /// Offers complete content that is not in the store, such as a finished output of dfget.
    package func seed(
        _ request: DownloadRequest,
        _ file: PieceFile,
        _ record: OriginRecord,
        at address: SupernodeAddress
    ) {
        guard let id = request.taskID, let connection = connections[address] else { return }
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
        jobs.submit { await seed.seed() }
    }
}
