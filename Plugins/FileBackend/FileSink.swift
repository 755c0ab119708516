internal import BackendAPI
internal import Content
internal import CurlTransport
internal import Synchronization

/// Hands a piece of a file on; a pause ends the transfer, and the next one begins with the bytes that were not taken.
final class FileSink: TransferSink {
    private struct Paused: Error {}

    private struct State {
        var taken: Int64 = 0
        var hasPaused = false
        var failure: BackendError?
    }

    private let content: any ContentSink
    private let gate: FlowGate
    private let state = Mutex(State())

    init(into content: any ContentSink, gate: FlowGate) {
        self.content = content
        self.gate = gate
    }

    /// How many bytes the content's sink has taken.
    var taken: Int64 { state.withLock { $0.taken } }
    /// Whether the sink has had enough for now.
    var hasPaused: Bool { state.withLock { $0.hasPaused } }
    /// What the sink threw.
    var failure: BackendError? { state.withLock { $0.failure } }

    func receive(head: TransferHead) {}

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        do {
            switch try content.receive(bytes, flow: gate) {
            case .consumed:
                state.withLock { $0.taken += Int64(bytes.count) }
                return .consumed
            case .paused: break
            }
        } catch {
            let failure = BackendError(.sinkFailed, "the content could not be stored", cause: error)
            state.withLock { $0.failure = failure }
            throw failure
        }
        state.withLock { $0.hasPaused = true }
        throw Paused()
    }
}
