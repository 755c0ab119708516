import Content
import CurlTransport
import Synchronization

/// Takes a response; tells when its head and its first byte have come.
final class Collector: TransferSink {
    private let state = Mutex<(head: TransferHead?, bytes: [UInt8])>((nil, []))

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var head: TransferHead? { state.withLock { $0.head } }

    func receive(head: TransferHead) throws { state.withLock { $0.head = head } }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        state.withLock { $0.bytes += bytes }
        return .consumed
    }
}
