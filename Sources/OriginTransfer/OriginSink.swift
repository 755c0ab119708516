internal import BackendAPI
internal import Content
internal import CurlTransport
internal import Synchronization

/// Turns a transfer's response into content: interprets the head, holds the body against what was announced.
///
/// All calls come one after the other on the transport's thread; the lock is for whoever asks afterwards.
final class OriginSink: TransferSink {
    typealias Interpreter = @Sendable (TransferHead) throws(BackendError) -> ContentHead

    /// Ends a transfer of which nothing more is wanted.
    private struct Enough: Error {}

    private struct State {
        var head: ContentHead?
        var failure: BackendError?
        var isEnough = false
        var received: Int64 = 0
        var dropped = 0
        /// The beginning of a failure's body.
        var explanation: [UInt8] = []
        var start = ContinuousClock.now
    }

    /// A body that nobody wants is read up to here, which is cheaper than a new connection.
    private static let longestDropped = 64 << 10
    private static let longestDropping: Duration = .seconds(2)

    private let interpret: Interpreter
    /// Nil: only the head is wanted.
    private let content: (any ContentSink)?
    private let state = Mutex(State())

    init(into content: (any ContentSink)?, interpret: @escaping Interpreter) {
        self.content = content
        self.interpret = interpret
    }

    func receive(head: TransferHead) throws {
        do throws(BackendError) {
            let meant = try interpret(head)
            state.withLock { $0.head = meant }
            do {
                try content?.begin(meant)
            } catch {
                throw BackendError(.sinkFailed, "the content was refused", cause: error)
            }
        } catch {
            state.withLock { $0.failure = error }
            // An error's body is short and may explain it; the body of content that is not wanted can be anything.
            if head.status < 400 || error.code == .sinkFailed { throw error }
        }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        let (announced, received) = try state.withLock { state -> (Int64?, Int64) in
            guard state.failure == nil, content != nil, state.head?.bodyLength != 0 else {
                try Self.drop(bytes, &state)
                return (0, 0)
            }
            return (state.head?.bodyLength, state.received)
        }
        if announced == 0 { return .consumed }
        let wanted = announced.map { Int(min($0 - received, Int64(bytes.count))) } ?? bytes.count
        switch try hand(UnsafeRawBufferPointer(rebasing: bytes.prefix(wanted)), control) {
        case .paused: return .paused
        case .consumed: break
        }
        state.withLock { $0.received += Int64(wanted) }
        if wanted < bytes.count {
            throw failed(BackendError(.protocolViolation, "more bytes came than were announced"))
        }
        return .consumed
    }

    /// What the transfer's end means, once `perform` has returned or thrown `error`.
    func result(_ error: TransferError?) -> Result<ContentHead, BackendError> {
        state.withLock { state in
            if let error, error.code == .cancelled { return .failure(BackendError(error)) }
            if let failure = state.failure { return .failure(failure) }
            if let error, !state.isEnough { return .failure(BackendError(error)) }
            guard let head = state.head else {
                return .failure(BackendError(.protocolViolation, "there was no response"))
            }
            if content != nil, let length = head.bodyLength, state.received < length {
                return .failure(
                    BackendError(.closedEarly, "the content ended after \(state.received) of \(length) bytes")
                )
            }
            return .success(head)
        }
    }

    /// What came along with a failure.
    var explanation: [UInt8] { state.withLock { $0.explanation } }

    private func hand(_ bytes: UnsafeRawBufferPointer, _ control: TransferControl) throws -> SinkResult {
        guard !bytes.isEmpty, let content else { return .consumed }
        do {
            return try content.receive(bytes, flow: Flow(control: control))
        } catch {
            throw failed(BackendError(.sinkFailed, "the content could not be stored", cause: error))
        }
    }

    private func failed(_ error: BackendError) -> BackendError {
        state.withLock { $0.failure = error }
        return error
    }

    private static func drop(_ bytes: UnsafeRawBufferPointer, _ state: inout State) throws {
        if state.failure != nil { state.explanation += bytes.prefix(longestDropped - state.explanation.count) }
        state.dropped += bytes.count
        guard state.dropped <= longestDropped, ContinuousClock.now - state.start < longestDropping else {
            state.isEnough = true
            throw Enough()
        }
    }
}

private struct Flow: FlowControl {
    let control: TransferControl

    func resume() { control.resume() }
}
