package import HTTPTypes
package import Hummingbird

extension ResponseBody {
    /// A body of unknown length that `produce` writes, with the fields that it returns behind it (RFC 9110 §6.5).
    ///
    /// Otherwise as ``stream(length:_:)``.
    package static func streamWithTrailers(
        _ produce: @escaping @Sendable (BodyStream) async throws -> HTTPFields?
    ) -> ResponseBody {
        ResponseBody { writer in
            guard let sender = writer as? ResponseSender else {
                throw BodyFailure(.unfinished, "a streamed body was wrapped by something that can not stream")
            }
            let trailers = try await produce(BodyStream(sender))
            try await sender.finish(trailers)
        }
    }
}
