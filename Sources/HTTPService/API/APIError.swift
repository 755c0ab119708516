package import HTTPTypes

/// An error that a handler throws and the client gets as `{"error":{"code","message","detail"}}`.
package struct APIError: Error, Sendable, CustomStringConvertible {
    /// The response's status.
    package var status: HTTPResponse.Status
    /// A word that programs can compare, `lower_case`.
    package var code: String
    /// One line for a person.
    package var message: String
    /// What else a program may want to know, and what would help to find the cause.
    package var detail: [String: String]
    /// Fields that the response carries, such as Retry-After.
    package var headers: HTTPFields

    /// An error of the API.
    package init(
        _ status: HTTPResponse.Status,
        _ code: String,
        _ message: String,
        detail: [String: String] = [:],
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        self.headers = headers
    }

    /// Code and message.
    package var description: String { "\(status.code) \(code): \(message)" }

    /// The request is malformed: 400.
    package static func badRequest(_ message: String, detail: [String: String] = [:]) -> APIError {
        APIError(.badRequest, "bad_request", message, detail: detail)
    }

    /// There is no such thing: 404.
    package static func notFound(_ message: String) -> APIError { APIError(.notFound, "not_found", message) }

    /// The request contradicts the present state: 409.
    package static func conflict(_ code: String, _ message: String) -> APIError { APIError(.conflict, code, message) }

    /// The body is larger than allowed: 413.
    package static func tooLarge(limit: Int) -> APIError {
        APIError(.contentTooLarge, "too_large", "the body is larger than \(limit) bytes")
    }

    /// Not now: 503, with the time after which to try again.
    package static func unavailable(_ message: String, retryAfter: Duration? = nil) -> APIError {
        var error = APIError(.serviceUnavailable, "unavailable", message)
        if let retryAfter {
            error.headers[.retryAfter] = String(
                retryAfter.components.seconds + (retryAfter.components.attoseconds > 0 ? 1 : 0)
            )
        }
        return error
    }
}
