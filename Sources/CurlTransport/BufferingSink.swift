internal import Content
import Synchronization

/// Keeps a body in memory up to a limit.
final class BufferingSink: TransferSink {
    private let limit: Int
    private let isHead: Bool
    private let body = Mutex<[UInt8]>([])

    init(limit: Int, isHead: Bool) {
        self.limit = limit
        self.isHead = isHead
    }

    func receive(head: TransferHead) throws {
        guard let length = head.contentLength, !isHead else { return }
        guard length <= limit else { throw tooLarge }
        body.withLock { $0.reserveCapacity(Int(length)) }
    }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        try body.withLock { body in
            guard bytes.count <= limit - body.count else { throw tooLarge }
            body.append(contentsOf: bytes)
        }
        return .consumed
    }

    func take() -> [UInt8] { body.withLock { $0 } }

    private var tooLarge: TransferError {
        TransferError(.tooLarge, "the response has more than \(limit) bytes")
    }
}
