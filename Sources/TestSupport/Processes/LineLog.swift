internal import Synchronization

/// The lines that a process has printed so far, and who waits for one that is still to come.
final class LineLog: Sendable {
    private struct State {
        var lines: [String] = []
        var ended = false
        /// Each is offered every new line and, at the end, nil; true: it needs no more.
        var waiters: [Int: @Sendable (String?) -> Bool] = [:]
        var cancelled: Set<Int> = []
        var nextWaiter = 0
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }

    func append(_ line: String) {
        state.withLock { state in
            state.lines.append(line)
            state.waiters = state.waiters.filter { !$0.value(line) }
        }
    }

    /// No line comes any more.
    func end() {
        state.withLock { state in
            state.ended = true
            for waiter in state.waiters.values { _ = waiter(nil) }
            state.waiters = [:]
        }
    }

    /// The first line, printed already or still to come, that `parse` makes something of; nil if none comes, or when
    /// the task is cancelled.
    func first<Value: Sendable>(_ parse: @escaping @Sendable (String) -> Value?) async -> Value? {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let offer: @Sendable (String?) -> Bool = { line in
                    guard let line else {
                        continuation.resume(returning: nil)
                        return true
                    }
                    guard let value = parse(line) else { return false }
                    continuation.resume(returning: value)
                    return true
                }
                state.withLock { state in
                    if state.lines.contains(where: offer) { return }
                    if state.ended || state.cancelled.remove(waiter) != nil {
                        _ = offer(nil)
                    } else {
                        state.waiters[waiter] = offer
                    }
                }
            }
        } onCancel: {
            state.withLock { state in
                guard let offer = state.waiters.removeValue(forKey: waiter) else {
                    state.cancelled.insert(waiter)
                    return
                }
                _ = offer(nil)
            }
        }
    }
}
