import Content
import PieceServer
import Synchronization
import WireAPI

/// One registered peer: who it is, and the call with which it waits for news.
final class PeerSession: Sendable {
    let id: PeerID
    let key: PeerKey
    let name: String
    /// `http://address:port` of its piece server.
    let url: String
    let labels: [String: String]
    let uploadSlots: Int
    private let clock: SupernodeClock
    private let state: Mutex<State>

    private struct State {
        var lastHeard: ContinuousClock.Instant
        var tasks: [TaskID: SwarmTask] = [:]
        /// Tasks with news for the peer.
        var news: Set<TaskID> = []
        var waiter: Waiter?
        /// When the one that waits, or waited last, has waited long enough.
        var deadline: ContinuousClock.Instant?
        var latest: UInt64 = 0
        /// Calls of the peer that are being answered.
        var calls = 0
        /// Whether the peer has been forgotten.
        var isGone = false
    }

    private struct Waiter {
        var sequence: UInt64
        var continuation: CheckedContinuation<Void, Never>
    }

    init(
        id: PeerID,
        key: PeerKey,
        name: String,
        url: String,
        labels: [String: String],
        uploadSlots: Int,
        clock: SupernodeClock
    ) {
        self.id = id
        self.key = key
        self.name = name
        self.url = url
        self.labels = labels
        self.uploadSlots = uploadSlots
        self.clock = clock
        state = Mutex(State(lastHeard: clock.now()))
    }

    var taskCount: Int { state.withLock { $0.tasks.count } }

    /// The tasks that it takes part in.
    var takenPart: [SwarmTask] { state.withLock { Array($0.tasks.values) } }

    func task(_ id: TaskID) -> SwarmTask? { state.withLock { $0.tasks[id] } }

    /// Returns false if the peer has been forgotten: it takes part in nothing any more.
    func add(_ task: SwarmTask) -> Bool {
        state.withLock { state in
            if !state.isGone { state.tasks[task.id] = task }
            return !state.isGone
        }
    }

    func remove(_ task: SwarmTask) {
        state.withLock { state in
            guard state.tasks[task.id] === task else { return }
            state.tasks[task.id] = nil
            // Nobody could look it up any more.
            state.news.remove(task.id)
        }
    }

    /// The peer has called.
    func heard() { state.withLock { $0.lastHeard = clock.now() } }

    /// Answers a call of the peer, which is not silent for as long as that takes.
    func answer<Answer>(_ call: () async throws(WireError) -> Answer) async throws(WireError) -> Answer {
        state.withLock { $0.calls += 1 }
        defer {
            state.withLock { state in
                state.calls -= 1
                state.lastHeard = clock.now()
            }
        }
        return try await call()
    }

    func silence(at now: ContinuousClock.Instant) -> Duration {
        state.withLock { $0.calls == 0 ? $0.lastHeard.duration(to: now) : .zero }
    }

    var isGone: Bool { state.withLock { $0.isGone } }

    /// The peer has left or is forgotten: it joins nothing from here on, and its waiting call returns.
    ///
    /// Returns the tasks it had part in.
    @discardableResult
    func end() -> [SwarmTask] {
        let (tasks, waiter) = state.withLock { state -> ([SwarmTask], Waiter?) in
            state.isGone = true
            return (Array(state.tasks.values), state.waiter.take())
        }
        waiter?.continuation.resume()
        return tasks
    }

    /// There is news of `task`: wakes the waiting call.
    func notify(_ task: TaskID) {
        let waiter = state.withLock { state -> Waiter? in
            if state.tasks[task] != nil { state.news.insert(task) }
            return state.waiter.take()
        }
        waiter?.continuation.resume()
    }

    /// The tasks with news, which then count as told.
    func takeNews() -> [SwarmTask] {
        state.withLock { state in
            let tasks = state.news.compactMap { state.tasks[$0] }
            state.news.removeAll()
            return tasks
        }
    }

    /// A call has come: an older one that waits is superseded and returns at once.
    ///
    /// Returns false for a call that a newer one has overtaken: what it says of the peer's state is out of date.
    func begin(_ sequence: UInt64) -> Bool {
        let (isLatest, superseded) = state.withLock { state -> (Bool, Waiter?) in
            guard sequence >= state.latest else { return (false, nil) }
            state.latest = sequence
            guard let waiter = state.waiter, waiter.sequence < sequence else { return (true, nil) }
            return (true, state.waiter.take())
        }
        superseded?.continuation.resume()
        return isLatest
    }

    /// Waits until there is news, the deadline passes, a newer call comes or the caller goes away.
    func wait(_ sequence: UInt64, until deadline: ContinuousClock.Instant) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard state.news.isEmpty, state.latest <= sequence, state.waiter == nil, !state.isGone,
                        !Task.isCancelled
                    else {
                        return false
                    }
                    state.waiter = Waiter(sequence: sequence, continuation: continuation)
                    state.deadline = deadline
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            wake { $0.sequence == sequence }
        }
    }

    /// Ends a wait whose deadline has passed; returns how long the peer has been silent, and whether it takes part in
    /// anything.
    func check(at now: ContinuousClock.Instant) -> (silence: Duration, hasTasks: Bool) {
        let (silence, hasTasks, waiter) = state.withLock { state -> (Duration, Bool, Waiter?) in
            let silence = state.calls == 0 ? state.lastHeard.duration(to: now) : .zero
            guard let deadline = state.deadline, deadline <= now else { return (silence, !state.tasks.isEmpty, nil) }
            state.deadline = nil
            return (silence, !state.tasks.isEmpty, state.waiter.take())
        }
        waiter?.continuation.resume()
        return (silence, hasTasks)
    }

    private func wake(where condition: (Waiter) -> Bool) {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.waiter, condition(waiter) else { return nil }
            state.waiter = nil
            return waiter
        }
        waiter?.continuation.resume()
    }
}
