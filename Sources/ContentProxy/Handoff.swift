import Content
import NIOCore
import Synchronization

/// Hands a response from the transport's thread to whoever sends it to a client, no faster than the client takes it.
final class Handoff<Head: Sendable, Failure: Error>: Sendable {
    private struct State {
        var head: Head?
        /// What has come and nobody has taken yet: whoever is slower than the origin takes more at a time.
        var buffer = ByteBuffer()
        var end: Result<HeaderFields, Failure>?
        /// Has the transfer go on that was told to pause.
        var resume: (@Sendable () -> Void)?
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// So much is kept at most, in bytes.
    private let limit = 1 << 20
    private let cancelled: Failure
    private let state = Mutex(State())

    /// `cancelled`: how it ends where the one who waits is cancelled.
    init(cancelled: Failure) { self.cancelled = cancelled }

    /// The response has begun.
    func begin(_ head: Head) { wake { $0.head = head } }

    /// Takes bytes in; or says that the transfer is to pause, and has `resume` called when they may come again.
    func take(_ bytes: UnsafeRawBufferPointer, resume: @escaping @Sendable () -> Void) -> Bool {
        wake { state in
            guard state.buffer.readableBytes < limit else {
                state.resume = resume
                return false
            }
            state.buffer.writeBytes(bytes)
            return true
        }
    }

    /// The transfer is over; with what stood behind the body.
    func finish(_ end: Result<HeaderFields, Failure>) { wake { $0.end = $0.end ?? end } }

    /// Waits for the head; nil where the transfer has ended without one.
    func head() async throws(Failure) -> Head? {
        while true {
            let (head, end) = state.withLock { ($0.head, $0.end) }
            if let head { return head }
            if let end {
                _ = try end.get()
                return nil
            }
            await wait { $0.head != nil || $0.end != nil }
        }
    }

    /// Waits for the next bytes; nil at the end of a complete body.
    func next() async throws(Failure) -> ByteBuffer? {
        while true {
            let (buffer, resume, end) = state.withLock {
                state -> (ByteBuffer?, (@Sendable () -> Void)?, Result<HeaderFields, Failure>?) in
                guard state.buffer.readableBytes > 0 else { return (nil, nil, state.end) }
                let buffer = state.buffer
                state.buffer = ByteBuffer()
                return (buffer, state.resume.take(), nil)
            }
            resume?()
            if let buffer { return buffer }
            if let end {
                _ = try end.get()
                return nil
            }
            await wait { $0.buffer.readableBytes > 0 || $0.end != nil }
        }
    }

    /// What stood behind a complete body.
    var trailers: HeaderFields {
        state.withLock { state in
            if case .success(let trailers)? = state.end { trailers } else { [:] }
        }
    }

    private func wake<Answer: Sendable>(_ change: (inout State) -> Answer) -> Answer {
        let (answer, waiter) = state.withLock { state in (change(&state), state.waiter.take()) }
        waiter?.resume()
        return answer
    }

    private func wait(until isReady: (borrowing State) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard !isReady(state), !Task.isCancelled else { return false }
                    state.waiter = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            finish(.failure(cancelled))
        }
    }
}
