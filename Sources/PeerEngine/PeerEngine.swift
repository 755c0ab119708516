package import BackendAPI
package import CacheStore
import Content
package import CurlTransport
package import Logging
import NodeConfig
package import OriginFetch
package import RateLimiting
import ServiceLifecycle
import Synchronization
import WireAPI

/// Downloads on one node: joins tasks at the supernodes, fetches assigned pieces, keeps what it has and offers it to others.
package final class PeerEngine: Service {
    package let identity: NodeIdentity
    let configuration: PeerEngineConfiguration
    let connections: [SupernodeAddress: SupernodeConnection]
    private let fetcher: PieceFetcher
    private let origin: OriginFetcher
    let backends: BackendRegistry
    let limits: NodeLimits
    /// How requests to origins are repeated.
    package let originRetry: RetryPolicy
    let store: CacheStore?
    let jobs = BackgroundJobs()
    let logger: Logger
    let downloads = Mutex<[TaskID: TaskDownload]>([:])
    let inquiries: OriginInquiries
    let records = RecordMemory()

    /// What the engine talks to others with.
    package struct Links: Sendable {
        package var transport: CurlTransport
        /// For calls to supernodes.
        package var supernode: TransferOptions
        /// For pieces from parents.
        package var pieces: TransferOptions
        /// What pieces from parents and fetches from origins keep.
        package var limits: NodeLimits

        package init(
            transport: CurlTransport,
            supernode: TransferOptions,
            pieces: TransferOptions,
            limits: NodeLimits = .unlimited
        ) {
            self.transport = transport
            self.supernode = supernode
            self.pieces = pieces
            self.limits = limits
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
        inquiries = OriginInquiries(
            AccessTimes(asked: configuration.permissionTime, unreachable: configuration.permissionStale),
            backends: backends,
            jobs: jobs
        )
        limits = links.limits
        originRetry = origin.retry
        self.origin = OriginFetcher(origin, limits: links.limits, logger: logger)
        fetcher = PieceFetcher(transport: links.transport, options: links.pieces, limits: links.limits)
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
        TaskDownload.beginCounts()
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
        let place = StoredDestination(store: store, task: id, records: records)
        if let current = try await running(id), try await shared(current, request) { return current }
        if let hit = try await complete(request, id, place) { return hit }
        let own = make(request, id, place)
        // Somebody else may have begun in the meantime: two at once would take each other's news.
        while let current = try await running(id, otherwise: own) {
            if try await shared(current, request) { return current }
        }
        return start(own)
    }

    /// A download of the task under way, kept for the caller; if there is none, `own` is it from now on.
    ///
    /// One that is being given up is waited for: it writes to the same file.
    private func running(
        _ id: TaskID,
        otherwise own: TaskDownload? = nil
    ) async throws(DownloadError) -> TaskDownload? {
        while true {
            let (current, old) = downloads.withLock { downloads -> (TaskDownload?, TaskDownload?) in
                if let current = downloads[id], current !== own, !current.isDone { return (current, nil) }
                guard let own else { return (nil, nil) }
                return (nil, downloads.updateValue(own, forKey: id))
            }
            guard let current else {
                if old !== own { old?.retire() }
                return nil
            }
            if current.retain() { return current }
            _ = try? await current.completion()
            if Task.isCancelled { throw DownloadError(.cancelled, "cancelled") }
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
        let old = downloads.withLock { $0.updateValue(download, forKey: id) }
        // Two that take part in one task would take each other's news.
        if old !== download { old?.retire() }
        let environment = DownloadEnvironment(
            connections: order(for: id),
            fetcher: fetcher,
            origin: origin,
            backends: backends,
            inquiries: inquiries
        )
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

    func forget(_ download: TaskDownload) {
        downloads.withLock { downloads in
            if downloads[download.taskID] === download { downloads[download.taskID] = nil }
        }
    }
}

extension PeerEngine {
    /// The supernodes in the order in which a task tries them.
    func order(for task: TaskID) -> [SupernodeConnection] {
        Array(connections.keys).ordered(for: task).compactMap { connections[$0] }
    }

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
}
