import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Maps what a handler throws to the response that the client gets.
///
/// Only an error that was made for the client tells it anything; what else goes wrong is logged, and the client
/// learns that there was an error.
enum ErrorResponse {
    private struct Body: Encodable {
        struct Content: Encodable {
            let code: String
            let message: String
            let detail: [String: String]?
        }

        let error: Content
    }

    static func response(for error: any Error, _ request: Request, _ context: ServiceRequestContext) -> Response {
        let known = apiError(for: error)
        let told = known ?? APIError(.internalServerError, "internal", "an internal error")
        if known == nil {
            context.logger.error(
                "a handler failed",
                metadata: ["method": "\(request.method)", "path": "\(request.uri.path)", "error": "\(error)"]
            )
        }
        let body = Body(
            error: .init(code: told.code, message: told.message, detail: told.detail.isEmpty ? nil : told.detail)
        )
        var response = Response.json(body, status: told.status)
        for field in told.headers { response.headers[field.name] = field.value }
        return response
    }

    private static func apiError(for error: any Error) -> APIError? {
        switch error {
        case let error as APIError: error
        case is CancellationError: .unavailable("the request was cancelled")
        case is NIOTooManyBytesError: APIError(.contentTooLarge, "too_large", "the body is too large")
        case let error as HTTPError:
            APIError(
                error.status,
                code(of: error.status),
                error.body ?? error.status.reasonPhrase,
                headers: error.headers
            )
        case let error as any HTTPResponseError:
            APIError(error.status, code(of: error.status), error.status.reasonPhrase)
        default: nil
        }
    }

    /// `Not Found` becomes `not_found`.
    private static func code(of status: HTTPResponse.Status) -> String {
        let words = status.reasonPhrase.lowercased().split { !$0.isLetter && !$0.isNumber }
        return words.isEmpty ? "error" : words.joined(separator: "_")
    }
}
