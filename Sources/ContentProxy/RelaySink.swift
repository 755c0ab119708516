import Content
import CurlTransport
import NIOCore

/// Hands an upstream's response to whoever sends it to the client.
final class RelaySink: TransferSink, Sendable {
    private let handoff = Handoff<TransferHead, TransferError>(
        cancelled: TransferError(.cancelled, "the client has gone")
    )

    func receive(head: TransferHead) throws { handoff.begin(head) }

    func receive(_ bytes: UnsafeRawBufferPointer, control: TransferControl) throws -> SinkResult {
        handoff.take(bytes, resume: control.resume) ? .consumed : .paused
    }

    /// The transfer is over; with what stood behind the body.
    func finish(_ end: Result<HeaderFields, TransferError>) { handoff.finish(end) }

    /// Waits for the response's head.
    func head() async throws(TransferError) -> TransferHead {
        guard let head = try await handoff.head() else {
            throw TransferError(.protocolError, "the upstream gave no answer")
        }
        return head
    }

    /// Waits for the next bytes; nil at the end of a complete body.
    func next() async throws(TransferError) -> ByteBuffer? { try await handoff.next() }

    /// What stood behind a complete body.
    var trailers: HeaderFields { handoff.trailers }
}
