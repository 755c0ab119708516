internal import Synchronization

/// A ``FlowControl`` for backends that deliver from a task: ``pass()`` waits until ``resume()``.
public final class FlowGate: FlowControl {
    private struct State {
        var isOpen = false
        var isCancelled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// A closed gate.
    public init() {}

    /// Lets the waiting or the next ``pass()`` through.
    public func resume() {
        let waiter = state.withLock { state in
            let waiter = state.waiter.take()
            if waiter == nil { state.isOpen = true }
            return waiter
        }
        waiter?.resume()
    }

    /// Waits for a ``resume()`` since the last pass.
    ///
    /// One task at a time may wait. Cancelling it is ``BackendError/Code/cancelled``.
    public func pass() async throws(BackendError) {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let passes = state.withLock { state in
                    if state.isOpen || state.isCancelled {
                        state.isOpen = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if passes { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.isCancelled = true
                return state.waiter.take()
            }
            waiter?.resume()
        }
        if Task.isCancelled { throw BackendError(.cancelled, "cancelled") }
    }
}
