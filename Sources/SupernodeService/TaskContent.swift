import BackendAPI
import CacheStore
import Content
import Logging
import OriginFetch
import Synchronization
import WireAPI

/// Brings one task's content to the supernode, from the store or from its sources one after the other, and decides who
/// may have it.
final class TaskContent: Sendable {
    let task: SwarmTask
    private let store: CacheStore
    private let backends: BackendRegistry
    private let fetcher: OriginFetcher
    private let jobs: BackgroundJobs
    let inquiries: OriginInquiries
    private let logger: Logger
    let state: Mutex<State>

    struct State {
        /// The source that brought the content, where that is known.
        var bringer: Bringer?
        var sources = SourceLine()
        var isFetching = false
        /// How old the content may be for whoever the fetch has begun for.
        var demand: FreshnessDemand?
        /// Ends what is being fetched.
        var fetch = Cancellation()
        /// Since when the fetch waits for its turn.
        var queuedSince: ContinuousClock.Instant?
        /// Whether it has waited for longer than joiners should.
        var isOverdue = false
        /// Since when nobody has wanted the content that is being fetched.
        var unwantedSince: ContinuousClock.Instant?
        /// Whether the last fetch brought or confirmed the content.
        var hasSucceeded = false
        /// Joiners that are being looked at.
        var joiners = 0
        /// Whether joiners need not wait: the head is known, or the origin has confirmed what is here.
        var isAnnounced = false
        /// Keeps the file telling of its pieces.
        var registration: CommitRegistration?
        var lastAsked: ContinuousClock.Instant
        /// Joiners that wait for the content's head.
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastTicket = 0

        mutating func nextTicket() -> Int {
            lastTicket += 1
            return lastTicket
        }

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [:] }
            return Array(waiters.values)
        }
    }

    init(
        task: SwarmTask,
        store: CacheStore,
        backends: BackendRegistry,
        fetcher: OriginFetcher,
        jobs: BackgroundJobs,
        inquiries: OriginInquiries,
        logger: Logger
    ) {
        self.task = task
        self.store = store
        self.backends = backends
        self.fetcher = fetcher
        self.jobs = jobs
        self.inquiries = inquiries
        self.logger = logger
        state = Mutex(State(lastAsked: task.clock.now()))
    }

    /// Whether nothing is being fetched, nobody takes part (or it has failed), and nobody has asked for `grace`.
    func isIdle(for grace: Duration, at now: ContinuousClock.Instant) -> Bool {
        (task.memberCount == 0 || task.failure != nil)
            && state.withLock { !$0.isFetching && $0.joiners == 0 && $0.lastAsked.duration(to: now) > grace }
    }

    /// Somebody begins to join.
    func enter() { state.withLock { $0.joiners += 1 } }

    /// Somebody has joined or has been refused.
    func exit() {
        state.withLock { state in
            state.joiners -= 1
            state.lastAsked = task.clock.now()
        }
    }

    /// Waits until the content is on its way and makes sure that `source` may have it.
    ///
    /// `demand`: how old what is here may be.
    ///
    /// `offersOnly`: the origin is not asked for the content on this joiner's behalf; what is not here, or on its way for
    /// others, is `.notWanted`.
    ///
    /// Returns false if others' sources have failed and this one has not been tried: to be asked again.
    func admit(
        _ source: Source?,
        offersOnly: Bool = false,
        _ demand: FreshnessDemand? = nil
    ) async throws(WireError) -> Bool {
        if offersOnly {
            // What is stale is good enough for whoever needs nothing new.
            if needsFetch(nil), !task.isComplete { begin(nil, nil) }
        } else {
            if let source { state.withLock { $0.sources.forgetFault(of: source) } }
            if needsFetch(demand) { begin(source, demand) } else if let source { offer(source) }
        }
        await ready()
        if state.withLock({ $0.isOverdue && $0.isFetching && !$0.isAnnounced }) {
            throw WireError(.busy, "too many contents are being fetched from origins, and this one waits for its turn")
        }
        if Task.isCancelled { throw WireError(.shuttingDown, "the registrant is gone") }
        if offersOnly {
            guard task.failure == nil else { throw .notWanted }
            try await permit(source)
            return true
        }
        let (fault, isGood) = state.withLock { state in
            (source.flatMap { state.sources.fault(of: $0) }, state.isFetching || state.hasSucceeded)
        }
        if let fault { throw fault }
        if !isGood, source != nil { return false }
        if let failure = task.failure { throw failure }
        try await permit(source)
        return true
    }

    /// Whether the content is on its way, or the origin is being asked about it.
    var isFetching: Bool { state.withLock { $0.isFetching } }

    /// Why `source` could not be used when it was tried last.
    func fault(of source: Source?) -> WireError? {
        guard let source else { return task.failure }
        return state.withLock { $0.sources.fault(of: source) }
    }

    /// A task without content, or whose content may have changed at the origin, is asked for anew.
    private func needsFetch(_ demand: FreshnessDemand?) -> Bool {
        if isFetching { return false }
        guard task.isComplete, let record = task.record else { return true }
        return !record.isFresh(at: task.clock.date(), named: task.digest, demand)
    }

    private func begin(_ source: Source?, _ demand: FreshnessDemand?) {
        let begins = state.withLock { state -> Bool in
            guard !state.isFetching else { return false }
            state.isFetching = true
            state.demand = demand
            state.isAnnounced = false
            state.queuedSince = nil
            state.isOverdue = false
            state.unwantedSince = nil
            state.hasSucceeded = false
            state.sources.restart(with: source)
            return true
        }
        guard begins else {
            if let source { offer(source) }
            return
        }
        guard !jobs.submit({ await self.bring() }) else { return }
        if !task.isComplete { task.fail(WireError(.shuttingDown, "the supernode is shutting down")) }
        settle(succeeded: false)
    }

    private func offer(_ source: Source) { state.withLock { $0.sources.offer(source) } }

    /// Waits until joiners need not wait any longer, or the calling task is cancelled.
    private func ready() async {
        let ticket = state.withLock { $0.nextTicket() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard state.isFetching, !state.isAnnounced, !state.isOverdue, !Task.isCancelled else {
                        return false
                    }
                    state.waiters[ticket] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
    }
}

// MARK: - Bringing

extension TaskContent {
    private func bring() async {
        if await useStored() {
            settle(succeeded: true)
            return
        }
        var failure = WireError(.originNotFound, "no such content here, and no URL to fetch it from")
        while let source = state.withLock({ $0.sources.next() }) {
            do throws(WireError) {
                try await fetch(from: source)
                settle(succeeded: true)
                return
            } catch {
                failure = error
                // That nobody wanted it, or the supernode is ending, says nothing of the source.
                if error.code == .shuttingDown { continue }
                state.withLock { $0.sources.remember(error, of: source) }
                logger.warning(
                    "source failed",
                    metadata: [
                        "task": "\(task.id)", "url": "\(source.resource.url.withoutQuery)",
                        "error": "\(error.message)",
                    ]
                )
            }
        }
        // What is complete stays for those who may have it: one registrant's bad source spoils nothing.
        if !task.isComplete { task.fail(failure) }
        settle(succeeded: false)
    }

    /// Nothing more comes: whoever waits looks again.
    private func settle(succeeded: Bool) {
        let waiters = state.withLock { state in
            state.isFetching = false
            state.hasSucceeded = succeeded
            state.sources.close()
            state.registration = nil
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The content's head is known: whoever waits for it goes on.
    private func announce() {
        let waiters = state.withLock { state in
            state.isAnnounced = true
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Serves complete content of the store that needs no question to the origin.
    private func useStored() async -> Bool {
        let demand = state.withLock { $0.demand }
        guard let (file, record) = await storedContent(),
            record.isFresh(at: task.clock.date(), named: task.digest, demand)
        else { return false }
        begin(file, record, verified: true)
        store.touch(file.task)
        return true
    }

    /// Complete content under this task or, where the digest is known, under any; with digests that peers can be told.
    private func storedContent() async -> (PieceFile, OriginRecord)? {
        guard let (file, record) = completeContent() else { return nil }
        do throws(StoreError) {
            try await file.makeDigests()
            return (file, record)
        } catch {
            return nil
        }
    }

    private func completeContent() -> (PieceFile, OriginRecord)? {
        if let own = StoreDestination(store: store, task: task.id).complete() { return own }
        guard let digest = task.digest, let file = try? store.open(content: digest),
            let stored = store.record(of: file.task), var record = OriginRecord(stored.metadata)
        else { return nil }
        record.digest = digest
        return (file, record)
    }

    /// `source`: the one that the content came from, which need not be asked about again.
    private func begin(_ file: PieceFile, _ record: OriginRecord, verified: Bool, from source: Source? = nil) {
        let generation = task.digest.map { Generation(content: $0) } ?? file.generation
        state.withLock { $0.bringer = source.map { Bringer(source: $0.key, generation: generation) } }
        task.begin(file, record: record, generation: generation, verified: verified)
        if let source { learn(source) }
        announce()
    }

    private func fetch(from source: Source) async throws(WireError) {
        do throws(FetchError) {
            let known = await storedContent()
            let destination = StoreDestination(store: store, task: task.id)
            do throws(StoreError) {
                try await destination.earlier()?.file.makeDigests()
            } catch {
                throw .store(error)
            }
            let backend: any Backend
            do throws(BackendError) {
                backend = try backends.backend(for: source.resource.url)
            } catch {
                throw .origin(error)
            }
            let outcome = try await queued { () async throws(FetchError) in
                try await self.fetcher.fetch(
                    source.resource,
                    credentials: source.credentials,
                    from: backend,
                    to: destination,
                    revalidating: known?.1,
                    isWanted: { self.takesTurn() },
                    started: { file, record in self.receive(file, record, from: source) }
                )
            }
            try await finish(outcome, stored: known?.0, source: source)
        } catch {
            throw WireError(error).atSupernode
        }
    }

    /// The origin has answered: members can be served from here on.
    private func receive(_ file: PieceFile, _ record: OriginRecord, from source: Source) {
        let task = task
        begin(file, record, verified: false, from: source)
        let registration = file.onCommit { piece, _ in task.publish(piece) }
        state.withLock { $0.registration = registration }
        task.publish(file.committed)
    }

    private func finish(
        _ outcome: OriginFetcher.Outcome,
        stored: PieceFile?,
        source: Source
    ) async throws(FetchError) {
        switch outcome {
        case .notModified(let record):
            guard let stored else { return }
            store.setMetadata(record.encoded, of: stored.task)
            if task.file === stored {
                task.refresh(record)
            } else {
                begin(stored, record, verified: true, from: source)
            }
            learn(source)
        case .fetched(let file):
            let expected = [task.record?.digest, task.digest].compactMap { $0 }
            do throws(StoreError) {
                _ = try await store.complete(file, expecting: expected, hashContent: true)
            } catch {
                throw .store(error)
            }
            task.verified()
        }
    }
}
