package import BackendAPI
package import CacheStore
import Content
package import Logging
import Metrics
package import OriginFetch
import PieceServer
package import RateLimiting
import ServiceLifecycle
import Synchronization
import WireAPI

/// Tracker, scheduler and first holder of every piece: decides who fetches what from whom, and goes to the origins for
/// everybody.
package final class Supernode: Service {
    let configuration: PeerConfiguration
    let store: CacheStore
    let seed = SeedIdentity()
    let peers = PeerDirectory()
    let blocks = BlockList()
    private let refusals = RecentRefusals()
    /// What a shared cache must not keep is not asked for again for this long: each node fetches it for itself.
    private static let refusalTime = Duration.seconds(30)
    private let waiting: WaitingCalls
    let tasks: TaskTable
    let inquiries: OriginInquiries
    private let jobs: BackgroundJobs
    let clusterToken: PeerToken?
    private let isStopping = Atomic(false)
    let clock: SupernodeClock
    let logger: Logger

    /// `limits`: what the fetches from origins keep.
    ///
    /// `clusterToken`: what a peer must present to register; nil admits everybody who can reach the API.
    package init(
        configuration: PeerConfiguration,
        origin: OriginFetchConfiguration,
        limits: NodeLimits = .unlimited,
        store: CacheStore,
        backends: BackendRegistry,
        clusterToken: String?,
        clock: SupernodeClock = .system,
        logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.clock = clock
        waiting = WaitingCalls(since: clock.now())
        self.clusterToken = clusterToken.map { PeerToken($0) }
        self.logger = logger
        jobs = BackgroundJobs()
        inquiries = OriginInquiries(
            AccessTimes(asked: configuration.permissionTime, unreachable: configuration.permissionStale),
            backends: backends,
            jobs: jobs,
            now: clock.now
        )
        tasks = TaskTable(
            seed: seed,
            configuration: configuration,
            blocks: blocks,
            store: store,
            backends: backends,
            fetcher: OriginFetcher(origin, limits: limits, logger: logger),
            inquiries: inquiries,
            jobs: jobs,
            clock: clock,
            logger: logger
        )
        SwarmTask.beginCounts()
    }

    /// Fetches for tasks, forgets silent peers and ends waits whose time is up, until shut down.
    package func run() async throws {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.jobs.run() }
            await cancelWhenGracefulShutdown {
                await self.sweep()
            }
            // Whoever waits for news learns now that there is none, and goes elsewhere.
            self.isStopping.store(true, ordering: .sequentiallyConsistent)
            for session in self.peers.all { session.end() }
            group.cancelAll()
        }
    }

    /// How long a peer that takes part in a task may be without a call.
    private static let longestGap = Duration.seconds(5)

    private func sweep() async {
        var share = 0
        while !Task.isCancelled {
            if share == 0 { recordPeers(at: clock.now()) }
            Gauge(label: "darter_tasks").record(tasks.count)
            do { try await Task.sleep(for: .milliseconds(250)) } catch { return }
            share = (share + 1) % PeerDirectory.shares
            // There may be very many peers, each somewhere else in memory: to look at each once a second is enough.
            tick(at: clock.now(), lookingAt: peers.share(share))
        }
    }

    /// Does what is due at `now`; of the peers only some are looked at.
    func tick(at now: ContinuousClock.Instant, lookingAt some: [PeerSession]) {
        forgetSilent(among: some, at: now)
        tasks.tick(at: now)
        inquiries.tick(at: now)
        // Last: what the moment brings goes out with the calls that end in it.
        waiting.end(at: now)
    }

    private func forgetSilent(among sessions: [PeerSession], at now: ContinuousClock.Instant) {
        for session in sessions {
            let silence = session.silence(at: now)
            if silence > configuration.aliveTime,
                peers.removeSilent(session, for: configuration.aliveTime, at: now)
            {
                logger.notice(
                    "peer is silent and forgotten",
                    metadata: ["peer": "\(session.id)", "name": "\(session.name)"]
                )
                forget(session)
            } else if silence > Self.longestGap {
                // Who takes part has a call open all the time. What a killed peer was given must not wait for its being
                // forgotten; one that was only slow joins again with its next call.
                takeOut(session)
            }
        }
    }

    /// Takes a peer out of its tasks, of which it learns with its next call.
    func takeOut(_ session: PeerSession) {
        for task in session.takenPart {
            task.leave(session)
            guard let generation = task.generation else { continue }
            session.lose(task.id, generation, most: configuration.bounds.tasksOfPeer)
        }
    }

    private func forget(_ session: PeerSession) {
        for task in session.end() { task.leave(session) }
    }
}

// MARK: - What peers ask for

extension Supernode {
    /// The session that a call belongs to.
    func session(_ peer: PeerID, presenting key: String?) throws(WireError) -> PeerSession {
        guard let session = peers.session(peer) else {
            throw WireError(.unknownPeer, "no such peer is registered; register again")
        }
        guard let key, session.key.matches(key) else {
            throw WireError(.unauthenticated, "the key of the registration is missing or wrong")
        }
        session.heard()
        return session
    }

    func refuseWhenStopping() throws(WireError) {
        guard isStopping.load(ordering: .sequentiallyConsistent) else { return }
        throw WireError(.shuttingDown, "the supernode is shutting down")
    }

    func leave(_ session: PeerSession) {
        peers.remove(session.id)
        forget(session)
        logger.info("peer left", metadata: ["peer": "\(session.id)", "name": "\(session.name)"])
    }

    /// Lets a peer join a task, once its source has been found to be good for the content.
    func join(
        _ request: TaskRegistrationRequest,
        _ session: PeerSession
    ) async throws(WireError) -> TaskRegistrationResponse {
        try refuseWhenStopping()
        let (id, digest, source) = try request.identify()
        session.forgetLoss(of: id)
        let offersOnly = request.offersOnly == true
        // Not worth a place among the tasks, of which there may be so many only.
        guard !offersOnly || isAtWork(id) || holdsFresh(id, digest) else { throw .notWanted }
        if let source, let refusal = refusals.refusal(of: id, by: source.key, at: clock.now()) { throw refusal }
        guard session.task(id) != nil || session.taskCount < configuration.bounds.tasksOfPeer else {
            throw WireError(.busy, "the peer takes part in as many tasks as one peer can")
        }
        return try await session.answer { () async throws(WireError) in
            for _ in 0..<3 {
                let content = try tasks.enter(id, digest: digest)
                defer { content.exit() }
                guard try await admit(source, request, to: content) else { continue }
                if let response = try content.task.enroll(session, pattern: request.pattern) { return response }
                guard !offersOnly else { throw .notWanted }
                // It has failed in the meantime: its own source is not tried twice.
                if let fault = content.fault(of: source) { throw fault }
            }
            throw WireError(.internalError, "the task keeps changing; try again")
        }
    }

    private func admit(
        _ source: Source?,
        _ request: TaskRegistrationRequest,
        to content: TaskContent
    ) async throws(WireError) -> Bool {
        do throws(WireError) {
            return try await content.admit(source, offersOnly: request.offersOnly == true, request.freshness)
        } catch {
            if error.code == .notShareable, let source {
                let now = clock.now()
                refusals.remember(
                    error,
                    of: content.task.id,
                    by: source.key,
                    at: now,
                    until: now + Self.refusalTime
                )
            }
            throw error
        }
    }

    private func isAtWork(_ id: TaskID) -> Bool {
        guard let task = tasks.task(id) else { return false }
        return task.failure == nil
    }

    /// Whether the content is here and can be served without a question to its origin.
    private func holdsFresh(_ id: TaskID, _ digest: Digest?) -> Bool {
        guard let stored = store.record(of: id), case .complete = stored.state else { return false }
        return OriginRecord(stored.metadata)?.isFresh(at: clock.date(), named: digest) == true
    }

    /// Takes in a peer's news and waits for something to tell it.
    func exchange(
        _ request: ExchangeRequest,
        _ session: PeerSession
    ) async throws(WireError) -> ExchangeResponse {
        try refuseWhenStopping()
        return try await session.answer { () async throws(WireError) in await answer(request, session) }
    }

    private func answer(_ request: ExchangeRequest, _ session: PeerSession) async -> ExchangeResponse {
        let isLatest = session.begin(request.sequence)
        // A node has two calls open at most.
        let open = Array(request.open.prefix(16))
        var refused: [TaskUpdate] = []
        for report in request.tasks {
            guard let task = session.task(report.task) else {
                session.forgetLoss(of: report.task)
                refused.append(withoutPart(report))
                continue
            }
            if let failure = task.failure {
                // Told as often as it is asked: an answer may have been lost.
                var update = TaskUpdate(task: report.task, generation: report.generation, state: .failed)
                update.error = failure
                refused.append(update)
            } else if !task.apply(report, from: session, open: open, isLatest: isLatest) {
                refused.append(TaskUpdate(task: report.task, generation: report.generation, state: .changed))
            }
        }
        let wait = Duration.milliseconds(min(max(0, request.waitMilliseconds), 60_000))
        let deadline = clock.now() + min(wait, configuration.aliveTime / 2)
        let answered = Set(refused.map(\.task))
        var updates = refused + takeUpdates(session, request.sequence).filter { !answered.contains($0.task) }
        if updates.isEmpty, !session.hasUntoldLosses {
            waiting.add(session, until: deadline)
            await session.wait(request.sequence, until: deadline)
            updates = takeUpdates(session, request.sequence)
        }
        // In every answer that goes out, since one may be lost; who only offers content reports nothing by himself.
        updates += session.tellLosses().map { TaskUpdate(task: $0, generation: $1, state: .unknown) }
        return ExchangeResponse(sequence: request.sequence, tasks: updates)
    }

    /// What a peer is told of a task that it has no part in (any longer).
    ///
    /// A failure is told again and again: the calls that are open together may be answered in another order.
    private func withoutPart(_ report: TaskReport) -> TaskUpdate {
        var update = TaskUpdate(task: report.task, generation: report.generation, state: .unknown)
        if let failure = tasks.task(report.task)?.failure {
            update.state = .failed
            update.error = failure
        }
        return update
    }

    private func takeUpdates(_ session: PeerSession, _ sequence: UInt64) -> [TaskUpdate] {
        session.takeNews().compactMap { $0.takeUpdate(for: session, sequence: sequence) }
    }
}
