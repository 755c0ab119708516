import Content
import CurlTransport
import NIOCore
import Synchronization

/// Hands an upstream's response to whoever sends it to the client, no faster than the client takes it.
final class RelaySink: TransferSink, Sendable {
    private struct State {
        var head: TransferHead?
        /// What has come and nobody has taken yet: whoever is slower than the upstream takes more at a time.
        var buffer = ByteBuffer()
        var end: Result<HeaderFields, TransferError>?
        var control: TransferControl?
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// So much is kept at most, in bytes.
    private static let limit = 1 << 20
    private let state = Mutex(State())

    func receive(head: TransferHead) throws {
        wake { $0.head = head }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        let takes = state.withLock { state -> Bool in
            guard state.buffer.readableBytes < Self.limit else {
                state.control = control
                return false
            }
            return true
        }
        guard takes else { return .paused }
        wake { $0.buffer.writeBytes(bytes) }
        return .consumed
    }

    /// The transfer is over; with what stood behind the body.
    func finish(_ end: Result<HeaderFields, TransferError>) {
        wake { $0.end = end }
    }

    /// Waits for the response's head.
    func head() async throws(TransferError) -> TransferHead {
        while true {
            let (head, end) = state.withLock { ($0.head, $0.end) }
            if let head { return head }
            if case .failure(let error)? = end { throw error }
            if end != nil { throw TransferError(.protocolError, "the upstream gave no answer") }
            await wait { $0.head != nil || $0.end != nil }
        }
    }

    /// Waits for the next bytes; nil at the end of a complete body.
    func next() async throws(TransferError) -> ByteBuffer? {
        while true {
            let (buffer, control, end) = state.withLock {
                state -> (ByteBuffer?, TransferControl?, Result<HeaderFields, TransferError>?) in
                guard state.buffer.readableBytes > 0 else { return (nil, nil, state.end) }
                let buffer = state.buffer
                state.buffer = ByteBuffer()
                return (buffer, state.control.take(), nil)
            }
            control?.resume()
            if let buffer { return buffer }
            switch end {
            case .success?: return nil
            case .failure(let error)?: throw error
            case nil: await wait { $0.buffer.readableBytes > 0 || $0.end != nil }
            }
        }
    }

    /// What stood behind a complete body.
    var trailers: HeaderFields {
        state.withLock { state in
            if case .success(let trailers)? = state.end { trailers } else { [:] }
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiter = state.withLock { state in
            change(&state)
            return state.waiter.take()
        }
        waiter?.resume()
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
            wake { $0.end = $0.end ?? .failure(TransferError(.cancelled, "the client has gone")) }
        }
    }
}
