package import Hummingbird
import NIOHTTP1

/// Turns errors thrown by handlers, and a path that no route serves, into JSON error bodies.
///
/// Anything that is not an ``APIError`` or one of Hummingbird's becomes a 500 with a general message and a line in the log.
package struct APIErrorMiddleware: RouterMiddleware {
    /// Belongs first into a router.
    package init() {}

    /// Runs the rest and maps what it throws.
    @concurrent
    package func handle(
        _ request: Request,
        context: ServiceRequestContext,
        next: @concurrent (Request, ServiceRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPParserError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            return ErrorResponse.response(for: error, request, context)
        }
    }
}
