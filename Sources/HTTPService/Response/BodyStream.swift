package import Hummingbird
package import NIOCore
package import RateLimiting

/// Where a handler writes a body that it produces bit by bit.
///
/// Each write returns when the connection has taken the bytes, and throws when the client is gone.
package struct BodyStream: Sendable {
    private let sender: ResponseSender

    init(_ sender: ResponseSender) { self.sender = sender }

    /// Bytes that the connection has taken so far.
    package var bytesSent: Int64 { sender.bytesSent }

    /// Sends status and header fields now, before there is a first byte.
    package func sendHead() async throws { try await sender.sendHead() }

    /// Sends bytes.
    package func write(_ buffer: ByteBuffer) async throws { try await sender.write(buffer) }

    /// Sends bytes.
    package func write(_ bytes: [UInt8]) async throws { try await sender.write(ByteBuffer(bytes: bytes)) }

    /// Sends bytes of a file, by sendfile(2) where the connection is not encrypted.
    package func write(_ slice: FileSlice, limits: [RateLimiter] = []) async throws {
        try await sender.write(slice, limits: limits)
    }
}

extension ResponseBody {
    /// A body that `produce` writes, `length` bytes of it or as many as come.
    ///
    /// When `produce` returns, the body is complete. When it throws, or has written another number of bytes than
    /// announced, the client gets no clean end: the connection is closed within the body. An error before the first
    /// byte and before ``BodyStream/sendHead()`` becomes an error response instead.
    package static func stream(
        length: Int64? = nil,
        _ produce: @escaping @Sendable (BodyStream) async throws -> Void
    ) -> ResponseBody {
        ResponseBody(contentLength: length.map { Int($0) }) { writer in
            guard let sender = writer as? ResponseSender else {
                throw BodyFailure(.unfinished, "a streamed body was wrapped by something that can not stream")
            }
            try await produce(BodyStream(sender))
            try await sender.finish(nil)
        }
    }
}
