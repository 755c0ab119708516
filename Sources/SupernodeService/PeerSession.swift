import Content
import PieceServer
import Synchronization
import WireAPI

/// One registered peer: who it is, and the call with which it waits for news.
final class PeerSession: Sendable {
    let id: PeerID
    let key: PeerKey
    let name: String
    /// Where it registered from, whatever it says of itself.
    let caller: IPAddress
    /// Where its piece server is.
    let node: NodeAddress
    /// `http://address:port` of its piece server.
    let url: String
    let labels: [String: String]
    let uploadSlots: Int
    private let clock: SupernodeClock
    private let state: Mutex<State>

    private struct State {
        var lastHeard: ContinuousClock.Instant
        var tasks: [TaskID: SwarmTask] = [:]
        /// Tasks that it was taken out of while it was silent, until it asks for them again.
        var lost: [TaskID: Generation] = [:]
        /// Whether no answer has told of some of them.
        var hasUntoldLosses = false
        /// Tasks with news for the peer.
        var news: Set<TaskID> = []
        var waiter: Waiter?
        /// When it is looked at whether a wait is over.
        var watched: ContinuousClock.Instant?
        var latest: UInt64 = 0
        /// Calls of the peer that are being answered.
        var calls = 0
        /// Whether the peer has been forgotten.
        var isGone = false
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
        caller: IPAddress,
        node: NodeAddress,
        speaksTLS: Bool,
        labels: [String: String],
        uploadSlots: Int,
        clock: SupernodeClock
    ) {
        self.id = id
        self.key = key
        self.name = name
        self.caller = caller
        self.node = node
        url = "\(speaksTLS ? "https" : "http")://\(node)"
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

    /// The peer was taken out of a task while it was silent: its next answers tell it, until it asks for the task again.
    ///
    /// `most`: so many are remembered; others learn it only when they report.
    func lose(_ task: TaskID, _ generation: Generation, most: Int) {
        let waiter = state.withLock { state -> Waiter? in
            guard state.tasks[task] == nil, state.lost.count < most else { return nil }
            state.lost[task] = generation
            state.hasUntoldLosses = true
            // It may have called just now.
            return state.waiter.take()
        }
        waiter?.continuation.resume()
    }

    /// The peer asks for a task, or is being told what became of it.
    func forgetLoss(of task: TaskID) { state.withLock { $0.lost[task] = nil } }

    /// Whether there are losses that no answer has told of.
    var hasUntoldLosses: Bool { state.withLock { $0.hasUntoldLosses } }

    /// The tasks that it was taken out of, for an answer that goes out now.
    func tellLosses() -> [TaskID: Generation] {
        state.withLock { state in
            state.hasUntoldLosses = false
            return state.lost
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
                    // Nobody looks for a deadline again that has passed already.
                    guard state.news.isEmpty, !state.hasUntoldLosses, state.latest <= sequence, state.waiter == nil,
                        !state.isGone,
                        !Task.isCancelled, clock.now() < deadline
                    else {
                        return false
                    }
                    state.waiter = Waiter(sequence: sequence, deadline: deadline, continuation: continuation)
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            wake { $0.sequence == sequence }
        }
    }

    /// Its wait is to be ended at `deadline`; returns false where it is to be looked at before that anyway.
    func watch(until deadline: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            if let watched = state.watched, watched <= deadline { return false }
            state.watched = deadline
            return true
        }
    }

    /// Ends a wait whose deadline has passed, where the session was to be looked at by `watched`; returns when to look
    /// again.
    func expireWait(_ watched: ContinuousClock.Instant, at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        let (waiter, next) = state.withLock { state -> (Waiter?, ContinuousClock.Instant?) in
            // An earlier look has been asked for since, and asked for the next one.
            guard state.watched == watched else { return (nil, nil) }
            guard watched <= now else { return (nil, watched) }
            state.watched = nil
            guard let waiter = state.waiter else { return (nil, nil) }
            guard waiter.deadline > now else { return (state.waiter.take(), nil) }
            state.watched = waiter.deadline
            return (nil, waiter.deadline)
        }
        waiter?.continuation.resume()
        return next
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
