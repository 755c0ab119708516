import BackendAPI
import Content
import NIOCore
import Synchronization

/// Hands what an origin sends to whoever passes it on to a client, no faster than the client takes it.
final class DirectSink: ContentSink, Sendable {
    private struct State {
        /// Bytes in front of those that are wanted.
        var skipped: Int64 = 0
        var buffers: [ByteBuffer] = []
        var bytes = 0
        var end: Result<Void, BackendError>?
        var flow: (any FlowControl)?
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// So much is kept at most, in bytes.
    private static let limit = 1 << 20
    private let offset: Int64
    private let length: Int64?
    private let state = Mutex(State())

    /// Of content with `length`, if that is known, the bytes from `offset` on.
    init(from offset: Int64, length: Int64?) {
        self.offset = offset
        self.length = length
    }

    func begin(_ head: ContentHead) throws {
        if let length, let told = head.length, told != length {
            throw BackendError(.changedAtOrigin, "the content has \(told) bytes now, not \(length)")
        }
        // An origin that knows no ranges begins at the beginning.
        guard head.range == nil || head.range?.offset == offset else {
            throw BackendError(.protocolViolation, "the origin answered with other bytes than were asked for")
        }
        state.withLock { $0.skipped = head.range == nil ? offset : 0 }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let (result, waiter) = state.withLock { state -> (SinkResult, CheckedContinuation<Void, Never>?) in
            guard state.bytes < Self.limit else {
                state.flow = flow
                return (.paused, nil)
            }
            let skipped = min(state.skipped, Int64(bytes.count))
            state.skipped -= skipped
            let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Int(skipped)))
            guard !rest.isEmpty else { return (.consumed, nil) }
            state.buffers.append(ByteBuffer(bytes: rest))
            state.bytes += rest.count
            return (.consumed, state.waiter.take())
        }
        waiter?.resume()
        return result
    }

    /// The transfer is over.
    func finish(_ end: Result<Void, BackendError>) {
        let waiter = state.withLock { state in
            state.end = state.end ?? end
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Waits for the next bytes; nil at the end.
    func next() async throws(BackendError) -> ByteBuffer? {
        while true {
            let (buffer, flow, end) = state.withLock {
                state -> (ByteBuffer?, (any FlowControl)?, Result<Void, BackendError>?) in
                guard !state.buffers.isEmpty else { return (nil, nil, state.end) }
                let buffer = state.buffers.removeFirst()
                state.bytes -= buffer.readableBytes
                return (buffer, state.bytes < Self.limit ? state.flow.take() : nil, nil)
            }
            flow?.resume()
            if let buffer { return buffer }
            switch end {
            case .success?: return nil
            case .failure(let error)?: throw error
            case nil: await wait()
            }
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state -> Bool in
                    guard state.buffers.isEmpty, state.end == nil, !Task.isCancelled else { return false }
                    state.waiter = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            finish(.failure(BackendError(.cancelled, "the client has gone")))
        }
    }
}
