package import Content
import Synchronization

/// Lets only so many bodies of each task go out at a time; who asks meanwhile waits in line.
///
/// Only whole pieces can be passed on: many at once make each of them late. A body that stands still must not hold up the
/// others for ever, so nobody waits longer than `patience`.
package final class UploadSlots: Sendable {
    private let perTask: Int
    private let patience: Duration
    private let state = Mutex(State())

    private struct State {
        var lines: [TaskID: Line] = [:]
        var waitersSoFar: UInt64 = 0
    }

    private struct Line {
        var sending = 0
        var waiting: [(number: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
    }

    /// `perTask` is at least 1.
    package init(perTask: Int, patience: Duration = .seconds(5)) {
        self.perTask = max(1, perTask)
        self.patience = patience
    }

    /// The right to send one body of a task, which lasts until it is released.
    package final class Slot: Sendable {
        private let slots: UploadSlots
        private let task: TaskID
        private let isHeld = Mutex(true)

        fileprivate init(_ slots: UploadSlots, _ task: TaskID) {
            self.slots = slots
            self.task = task
        }

        /// The body has been sent, or will never be; only the first call counts.
        package func release() {
            let wasHeld = isHeld.withLock { isHeld in
                defer { isHeld = false }
                return isHeld
            }
            if wasHeld { slots.end(task) }
        }

        deinit { release() }
    }

    /// Waits for a slot, in the order of arrival.
    ///
    /// Throws `CancellationError` if the caller is cancelled.
    package func slot(for task: TaskID) async throws -> Slot {
        if state.withLock({ Self.begin(task, &$0, perTask) }) { return Slot(self, task) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(for: task) }
            group.addTask { try? await Task.sleep(for: self.patience) }
            await group.next()
            group.cancelAll()
        }
        // Whoever was cancelled or has waited for long enough has been given a slot more than there are.
        let slot = Slot(self, task)
        try Task.checkCancellation()
        return slot
    }

    /// How many wait for a slot.
    package func waiting(for task: TaskID) -> Int { state.withLock { $0.lines[task]?.waiting.count ?? 0 } }

    private func wait(for task: TaskID) async {
        let number = state.withLock { state in
            state.waitersSoFar += 1
            return state.waitersSoFar
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isGiven = state.withLock { state -> Bool in
                    if Self.begin(task, &state, perTask, always: Task.isCancelled) { return true }
                    state.lines[task]?.waiting.append((number, continuation))
                    return false
                }
                if isGiven { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
                guard let index = state.lines[task]?.waiting.firstIndex(where: { $0.number == number }) else {
                    return nil
                }
                state.lines[task]?.sending += 1
                return state.lines[task]?.waiting.remove(at: index).continuation
            }
            continuation?.resume()
        }
    }

    private static func begin(_ task: TaskID, _ state: inout State, _ perTask: Int, always: Bool = false) -> Bool {
        var line = state.lines[task] ?? Line()
        guard always || line.sending < perTask else { return false }
        line.sending += 1
        state.lines[task] = line
        return true
    }

    /// A body has ended: the first in line goes on.
    private func end(_ task: TaskID) {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard var line = state.lines[task] else { return nil }
            line.sending -= 1
            let isNext = line.sending < perTask && !line.waiting.isEmpty
            let next = isNext ? line.waiting.removeFirst().continuation : nil
            if isNext { line.sending += 1 }
            state.lines[task] = line.sending == 0 && line.waiting.isEmpty ? nil : line
            return next
        }
        next?.resume()
    }
}
