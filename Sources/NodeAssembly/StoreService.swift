import CacheStore
import ServiceLifecycle

/// Keeps the store in order while the process runs, and closes it at the end.
struct StoreService: Service {
    let store: CacheStore

    func run() async throws {
        await cancelWhenGracefulShutdown { await Scrubber(store).run() }
        try? await gracefulShutdown()
        await store.close()
    }
}
