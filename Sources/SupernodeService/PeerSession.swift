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
    private let state: Mutex<State>

    private struct State {
        var lastHeard: ContinuousClock.Instant
        var tasks: [TaskID: SwarmTask] = [:]
        /// Tasks with news for the peer.
        var news: Set<TaskID> = []
        var waiter: Waiter?
        var latest: UInt64 = 0
        /// Whether nothing more is to be waited for.
        var isOver = false
    }

    private struct Waiter {
        var sequence: UInt64
        var deadline: ContinuousClock.Instant
        var continuation: CheckedContinuation<Void, Never>
    }

    init(
        id: PeerID,
        key: PeerKey,
        name: String,
        url: String,
        labels: [String: String],
        uploadSlots: Int,
        now: ContinuousClock.Instant
    ) {
        self.id = id
        self.key = key
        self.name = name
        self.url = url
        self.labels = labels
        self.uploadSlots = uploadSlots
        state = Mutex(State(lastHeard: now))
    }

    var taskCount: Int { state.withLock { $0.tasks.count } }

    /// The tasks the peer has joined.
    var tasks: [SwarmTask] { state.withLock { Array($0.tasks.values) } }

    func task(_ id: TaskID) -> SwarmTask? { state.withLock { $0.tasks[id] } }

    func add(_ task: SwarmTask) { state.withLock { $0.tasks[task.id] = task } }

    func remove(_ task: SwarmTask) {
        state.withLock { if $0.tasks[task.id] === task { $0.tasks[task.id] = nil } }
    }

    func heard(at now: ContinuousClock.Instant) { state.withLock { $0.lastHeard = now } }

    func silence(at now: ContinuousClock.Instant) -> Duration {
        // A peer whose call is waiting is not silent.
        state.withLock { $0.waiter == nil ? $0.lastHeard.duration(to: now) : .zero }
    }

    /// There is news of `task`: wakes the waiting call.
    func notify(_ task: TaskID) {
        let waiter = state.withLock { state -> Waiter? in
            state.news.insert(task)
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
    func begin(_ sequence: UInt64) {
        let superseded = state.withLock { state -> Waiter? in
            state.latest = max(state.latest, sequence)
            guard let waiter = state.waiter, waiter.sequence < sequence else { return nil }
            return state.waiter.take()
        }
        superseded?.continuation.resume()
    }

    /// Waits until there is news, the deadline passes, a newer call comes or the caller goes away.
    func wait(_ sequence: UInt64, until deadline: ContinuousClock.Instant) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard state.news.isEmpty, state.latest <= sequence, state.waiter == nil, !state.isOver,
                        !Task.isCancelled
                    else { return false }
                    state.waiter = Waiter(sequence: sequence, deadline: deadline, continuation: continuation)
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            wake { $0.sequence == sequence }
        }
    }

    /// Ends a wait whose deadline has passed.
    func expireWait(at now: ContinuousClock.Instant) {
        wake { $0.deadline <= now }
    }

    /// Ends the wait, whatever it waits for, and all waits to come.
    func end() {
        state.withLock { $0.isOver = true }
        wake { _ in true }
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
