import BackendAPI
import CacheStore
import Content
import Logging
import NodeConfig
import OriginFetch
import TestSupport
import Testing

/// A store, an origin in memory and a fetcher between them.
struct Origin: Sendable {
    let backend = MemoryBackend()
    let url: ResourceURL
    let store: CacheStore
    let fetcher: OriginFetcher

    var resource: Resource { Resource(url: url) }
    var destination: StoreDestination { StoreDestination(store: store, task: resource.taskID) }
    var record: OriginRecord? { store.record(of: resource.taskID).flatMap { OriginRecord($0.metadata) } }

    func outcome(
        revalidating: OriginRecord? = nil,
        started: @escaping @Sendable (PieceFile, OriginRecord) -> Void = { _, _ in }
    ) async throws -> OriginFetcher.Outcome {
        try await fetcher.fetch(
            resource,
            credentials: Credentials(),
            from: backend,
            to: destination,
            revalidating: revalidating,
            started: started
        )
    }

    @discardableResult
    func fetch(started: @escaping @Sendable (PieceFile, OriginRecord) -> Void = { _, _ in }) async throws -> PieceFile {
        guard case .fetched(let file) = try await outcome(started: started) else {
            throw FetchError.cancelled
        }
        return file
    }
}

/// Runs `body` with an empty store and an origin that has nothing yet; repetitions do not wait.
func withOrigin(
    quota: Int64? = nil,
    segment: Int64 = 16 << 20,
    tasks: Int = 64,
    _ body: (Origin) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        var place = StoreConfiguration()
        place.directory = directory
        place.freeSpaceFloor = ByteCount(bytes: 0)
        place.quota = quota.map { ByteCount(bytes: $0) }
        var configuration = OriginFetchConfiguration()
        configuration.tasks = tasks
        configuration.segment = ByteCount(bytes: segment)
        configuration.retry.baseDelay = .zero
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let store = try await CacheStore.open(place, logger: logger)
        let url = try #require(ResourceURL("http://origin.test/file"))
        try await body(Origin(url: url, store: store, fetcher: OriginFetcher(configuration, logger: logger)))
        await store.close()
    }
}
