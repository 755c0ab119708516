import Synchronization

/// Lets somebody outside give up one child of a task group.
package final class Cancellation: Sendable {
    private struct State {
        var isCancelled = false
        var continuation: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func cancel() {
        let continuation = state.withLock { state in
            state.isCancelled = true
            return state.continuation.take()
        }
        continuation?.resume()
    }

    package var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Runs `work`, which sees its task cancelled once ``cancel()`` is called.
    package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () async throws(Failure) -> Value
    ) async throws(Failure) -> Value? {
        let result = await withTaskGroup(of: Result<Value, Failure>?.self) { group in
            group.addTask { () async -> Result<Value, Failure>? in
                do throws(Failure) { return .success(try await work()) } catch { return .failure(error) }
            }
            group.addTask {
                await self.cancelled()
                return nil
            }
            var result: Result<Value, Failure>?
            for await value in group {
                group.cancelAll()
                if let value { result = value }
            }
            return result
        }
        return try result?.get()
    }

    private func cancelled() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard !state.isCancelled, !Task.isCancelled else { return false }
                    state.continuation = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.continuation.take() }?.resume()
        }
    }
}
