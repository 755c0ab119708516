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
        /// What the thread waits with while it runs.
        var watch: SocketWatch?
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
            if state.commands.count == 1 { state.watch?.wakeUp() }
            return true
        }
    }

    /// Lets the thread end all transfers and itself; `waiting` is resumed when it has.
    func close(then waiting: CheckedContinuation<Void, Never>?) {
        let hasEnded = state.withLock { state in
            state.isClosed = true
            closing.store(true, ordering: .relaxed)
            if let waiting, !state.hasEnded { state.waiting.append(waiting) }
            state.watch?.wakeUp()
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

    /// Names what the thread waits with.
    func attach(_ watch: SocketWatch) { state.withLock { $0.watch = watch } }

    /// A socket has been made on the transport's thread.
    func expect(_ socket: Int32) { state.withLock { $0.watch }?.expect(socket) }

    /// A socket is to be somebody else's.
    func forget(_ socket: Int32) { state.withLock { $0.watch }?.forget(socket) }

    /// The thread's last words.
    func finish() {
        let waiting = state.withLock { state in
            state.isClosed = true
            state.watch = nil
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
