internal import Synchronization

/// Lets so many run at once; the others wait, and start in the order in which they came.
public final class Places: Sendable {
    private struct State {
        var free: Int
        var waiting: [(ticket: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var lastTicket = 0
    }

    private let count: Int
    private let state: Mutex<State>

    /// At least one place.
    public init(_ count: Int) {
        self.count = max(1, count)
        state = Mutex(State(free: max(1, count)))
    }

    /// How many wait.
    public var waiting: Int { state.withLock { $0.waiting.count } }

    /// Whether nobody is in.
    public var isIdle: Bool { state.withLock { $0.free == count } }

    /// Runs `body` once there is a place for it.
    ///
    /// Throws `cancelled` where the task is cancelled while it waits.
    public func run<Result, Failure: Error>(
        cancelled: @autoclosure () -> Failure,
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard await enter() else { throw cancelled() }
        defer { leave() }
        return try await body()
    }

    /// Runs `body` where there is a place for it now; nil: there is none.
    public func runIfFree<Result, Failure: Error>(
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result? {
        guard enterIfFree() else { return nil }
        defer { leave() }
        return try await body()
    }

    /// Takes a place, which is to be given back with ``leave()``, where one is free and nobody waits for it.
    public func enterIfFree() -> Bool {
        state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
    }

    /// Returns false where the task is cancelled.
    private func enter() async -> Bool {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            return state.lastTicket
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIn = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    guard state.free == 0 else {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((ticket, continuation))
                    return nil
                }
                if let isIn { continuation.resume(returning: isIn) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiting.firstIndex { $0.ticket == ticket }.map { state.waiting.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// The place goes to whoever has waited longest.
    public func leave() {
        let next = state.withLock { state in
            if state.waiting.isEmpty {
                state.free += 1
                return nil as CheckedContinuation<Bool, Never>?
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
