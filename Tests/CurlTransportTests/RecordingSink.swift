import Content
import CurlTransport
import Synchronization
import TestSupport

/// Keeps what it gets, and behaves as a test says.
final class RecordingSink: TransferSink {
    struct State {
        var head: TransferHead?
        var heads = 0
        var body: [UInt8] = []
        var calls = 0
        var control: TransferControl?
    }

    let state = Mutex(State())
    let gotHead = TestEvent()
    let gotBytes = TestEvent()
    let gotPaused = TestEvent()
    private let onHead: @Sendable (TransferHead) throws -> Void
    private let decide: @Sendable (inout State) throws -> SinkResult

    /// `decide` is asked before bytes are taken.
    init(
        _ decide: @escaping @Sendable (inout State) throws -> SinkResult = { _ in .consumed },
        onHead: @escaping @Sendable (TransferHead) throws -> Void = { _ in }
    ) {
        self.onHead = onHead
        self.decide = decide
    }

    func receive(head: TransferHead) throws {
        state.withLock {
            $0.head = head
            $0.heads += 1
        }
        try onHead(head)
        gotHead.fire()
    }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        let result = try state.withLock { state in
            state.calls += 1
            state.control = control
            let result = try decide(&state)
            if result == .consumed { state.body.append(contentsOf: bytes) }
            return result
        }
        (result == .paused ? gotPaused : gotBytes).fire()
        return result
    }

    var body: [UInt8] { state.withLock { $0.body } }
    var head: TransferHead? { state.withLock { $0.head } }
    var heads: Int { state.withLock { $0.heads } }
    var calls: Int { state.withLock { $0.calls } }
    func resume() { state.withLock { $0.control }?.resume() }
}
