package import HTTPTypes
package import Hummingbird
package import RateLimiting

extension Response {
    /// A response whose body is a slice of a file: sendfile(2), or buffered reads where the connection is encrypted.
    ///
    /// `limits`: the rates that it keeps. `onSent` is called exactly once, when the slice is sent, has failed, or was never sent
    /// (a HEAD request, a client that left before): the moment to give back an upload slot.
    package static func file(
        _ slice: FileSlice,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:],
        limits: [RateLimiter] = [],
        onSent: (@Sendable (SendReport) -> Void)? = nil
    ) -> Response {
        Response(status: status, headers: headers, body: .file(slice, limits: limits, onSent: onSent))
    }

    /// The answer to a HEAD request: header fields without a body, with the length that a GET would give.
    package static func head(
        length: Int64?,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentLength] = length.map { String($0) }
        var response = Response(status: status, headers: headers)
        if length == nil { response.headers[.contentLength] = nil }
        return response
    }
}
