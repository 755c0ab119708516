import BackendAPI
import CacheStore
import Content
import Logging
import OriginFetch
import Synchronization
import WireAPI

/// The tasks that somebody takes part in, or whose content is on its way.
final class TaskTable: Sendable {
    private let seed: SeedIdentity
    private let configuration: PeerConfiguration
    private let blocks: BlockList
    private let store: CacheStore
    private let backends: BackendRegistry
    private let fetcher: OriginFetcher
    private let inquiries: OriginInquiries
    private let jobs: BackgroundJobs
    private let clock: SupernodeClock
    private let logger: Logger
    private let contents = Mutex<[TaskID: TaskContent]>([:])

    init(
        seed: SeedIdentity,
        configuration: PeerConfiguration,
        blocks: BlockList,
        store: CacheStore,
        backends: BackendRegistry,
        fetcher: OriginFetcher,
        inquiries: OriginInquiries,
        jobs: BackgroundJobs,
        clock: SupernodeClock,
        logger: Logger
    ) {
        self.seed = seed
        self.configuration = configuration
        self.blocks = blocks
        self.store = store
        self.backends = backends
        self.fetcher = fetcher
        self.inquiries = inquiries
        self.jobs = jobs
        self.clock = clock
        self.logger = logger
    }

    /// The task's content: the one at work, or a new one in place of none or one that failed.
    ///
    /// It is kept at least until its ``TaskContent/exit()``.
    ///
    /// Throws `.busy` where there are as many tasks as there may be.
    func enter(_ id: TaskID, digest: Digest?) throws(WireError) -> TaskContent {
        let content = contents.withLock { contents -> TaskContent? in
            if let content = contents[id], content.task.failure == nil {
                content.enter()
                return content
            }
            guard contents[id] != nil || contents.count < configuration.bounds.tasks else { return nil }
            let content = TaskContent(
                task: SwarmTask(
                    id: id,
                    digest: digest,
                    seed: seed,
                    configuration: configuration,
                    blocks: blocks,
                    clock: clock,
                    logger: logger
                ),
                store: store,
                backends: backends,
                fetcher: fetcher,
                jobs: jobs,
                inquiries: inquiries,
                logger: logger
            )
            contents[id] = content
            content.enter()
            return content
        }
        guard let content else { throw WireError(.busy, "there are as many tasks as this supernode can take") }
        return content
    }

    func content(of id: TaskID) -> TaskContent? { contents.withLock { $0[id] } }

    func task(_ id: TaskID) -> SwarmTask? { content(of: id)?.task }

    var all: [SwarmTask] { contents.withLock { $0.values.map(\.task) } }

    var count: Int { contents.withLock { $0.count } }

    /// Looks for slow transfers, and forgets tasks that nobody takes part in; their content stays in the store.
    func tick(at now: ContinuousClock.Instant) {
        let (running, idle) = contents.withLock { contents -> ([TaskContent], [SwarmTask]) in
            let idle = contents.values.filter { $0.isIdle(for: .seconds(10), at: now) }.map(\.task)
            for task in idle { contents[task.id] = nil }
            return (Array(contents.values), idle)
        }
        for task in idle { task.dismissMembers() }
        for content in running {
            content.task.tick()
            content.tick(at: now)
        }
    }
}
