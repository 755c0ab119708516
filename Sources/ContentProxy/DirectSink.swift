import BackendAPI
import Content
import NIOCore
import Synchronization

/// Hands what an origin sends to whoever passes it on to a client.
final class DirectSink: ContentSink, Sendable {
    private let offset: Int64
    private let length: Int64?
    /// Bytes that come in front of those that are wanted.
    private let skipped = Mutex<Int64>(0)
    private let handoff = Handoff<ContentHead, BackendError>(cancelled: BackendError(.cancelled, "the client has gone"))

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
        skipped.withLock { $0 = head.range == nil ? offset : 0 }
        handoff.begin(head)
    }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let passed = Int(min(skipped.withLock { $0 }, Int64(bytes.count)))
        let rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(passed))
        // The same bytes come again after a pause.
        guard rest.isEmpty || handoff.take(rest, resume: flow.resume) else { return .paused }
        skipped.withLock { $0 -= Int64(passed) }
        return .consumed
    }

    /// The transfer is over.
    func finish(_ end: Result<Void, BackendError>) { handoff.finish(end.map { [:] }) }

    /// Waits for the next bytes; nil at the end.
    func next() async throws(BackendError) -> ByteBuffer? { try await handoff.next() }
}
