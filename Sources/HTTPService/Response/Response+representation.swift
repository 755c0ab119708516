package import Content
package import HTTPTypes
package import Hummingbird
package import RateLimiting

extension Response {
    /// Answers a GET or HEAD request for content of known length with 200, 206, 304, 412 or 416.
    ///
    /// `content` describes the content (Content-Type and the like); `body` gives the bytes of a range, and is not
    /// called where none are sent.
    package static func representation(
        _ representation: Representation,
        to request: Request,
        content: HTTPFields = [:],
        body: (ByteRange) throws -> ResponseBody
    ) rethrows -> Response {
        let answer = representation.answer(to: request.method, request.headers)
        var headers = content
        for field in representation.headers(for: answer) { headers[field.name] = field.value }
        switch answer {
        case .notModified: return Response(status: .notModified, headers: headers)
        case .preconditionFailed: return Response(status: .preconditionFailed)
        case .rangeNotSatisfiable:
            return Response(status: .rangeNotSatisfiable, headers: representation.headers(for: answer))
        case .whole where request.method == .head:
            return .head(length: representation.length, headers: headers)
        case .whole:
            return Response(status: .ok, headers: headers, body: try body(ByteRange(length: representation.length)))
        case .partial(let range):
            return Response(status: .partialContent, headers: headers, body: try body(range))
        }
    }
}

extension ResponseBody {
    /// A body that is a slice of a file; see ``Response/file(_:status:headers:limits:onSent:)``.
    package static func file(
        _ slice: FileSlice,
        limits: [RateLimiter] = [],
        onSent: (@Sendable (SendReport) -> Void)? = nil
    ) -> ResponseBody {
        let observation = SendObservation(onSent)
        return .stream(length: slice.range.count) { stream in
            do {
                try await stream.write(slice, limits: limits)
                observation.report(SendReport(bytes: slice.range.count, failure: nil))
            } catch {
                observation.report(SendReport(bytes: stream.bytesSent, failure: error))
                throw error
            }
        }
    }
}
