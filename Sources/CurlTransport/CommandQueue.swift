internal import CLibCurl
import Synchronization

/// What other threads ask of a transport's thread.
enum Command: Sendable {
    case start(Transfer)
    case cancel(Transfer)
    case resume(Transfer)
}

/// The way to a transport's thread: commands in order, and a wake-up for the first of them.
final class CommandQueue: Sendable {
    private struct State {
        var commands: [Command] = []
        /// The multi handle while its thread runs: `curl_multi_wakeup` is the one call that other threads may make.
        var multi: UnsafeMutableRawPointer?
        var isClosed = false
        var hasEnded = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    /// What `isClosed` says, for callbacks that ask often.
    private let closing = Atomic(false)

    var isClosed: Bool { closing.load(ordering: .relaxed) }

    /// Adds a command; false if the transport is closed.
    @discardableResult
    func push(_ command: Command) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            state.commands.append(command)
            // Behind another command the wake-up is under way already.
            if state.commands.count == 1 { Self.wake(state.multi) }
            return true
        }
    }

    /// Lets the thread end all transfers and itself; `waiting` is resumed when it has.
    func close(then waiting: CheckedContinuation<Void, Never>?) {
        let hasEnded = state.withLock { state in
            state.isClosed = true
            closing.store(true, ordering: .relaxed)
            if let waiting, !state.hasEnded { state.waiting.append(waiting) }
            Self.wake(state.multi)
            return state.hasEnded
        }
        if hasEnded { waiting?.resume() }
    }

    /// Exchanges the commands for an empty array; false if the queue is closed.
    func drain(into commands: inout [Command]) -> Bool {
        commands.removeAll(keepingCapacity: true)
        return state.withLock { state in
            swap(&state.commands, &commands)
            return !state.isClosed
        }
    }

    /// Names the handle to wake.
    func attach(_ multi: UnsafeMutableRawPointer) {
        let address = UInt(bitPattern: multi)
        state.withLock { $0.multi = UnsafeMutableRawPointer(bitPattern: address) }
    }

    /// No wake-up any more: the handle is about to go.
    func detach() { state.withLock { $0.multi = nil } }

    /// The thread's last words.
    func finish() {
        let waiting = state.withLock { state in
            state.isClosed = true
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private static func wake(_ multi: UnsafeMutableRawPointer?) {
        if let multi { curl_multi_wakeup(multi) }
    }
}
