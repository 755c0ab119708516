import HTTPTypes
package import Hummingbird

/// `OPTIONS *`: what a server does, whatever it is asked for (RFC 9110 §9.3.7).
extension Request {
    /// Whether that is what the request wants to know.
    package var asksForServerOptions: Bool { method == .options && head.path == "*" }
}

extension Response {
    /// The answer: 204 with these methods in `Allow`.
    package static func allowing(_ methods: [HTTPRequest.Method]) -> Response {
        Response(status: .noContent, headers: [.allow: methods.map(\.rawValue).joined(separator: ", ")])
    }
}

extension Router where Context == ServiceRequestContext {
    /// Answers it with the methods of the routes that are there: belongs behind the last of them.
    package func addServerOptions() {
        var methods = Set(routes.map(\.method))
        if methods.contains(.get) { methods.insert(.head) }
        let order: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete]
        add(middleware: ServerOptionsMiddleware(methods: order.filter(methods.contains) + [.options]))
    }
}

/// No route matches the request.
private struct ServerOptionsMiddleware: RouterMiddleware {
    let methods: [HTTPRequest.Method]

    @concurrent
    func handle(
        _ request: Request,
        context: ServiceRequestContext,
        next: @concurrent (Request, ServiceRequestContext) async throws -> Response
    ) async throws -> Response {
        request.asksForServerOptions ? .allowing(methods) : try await next(request, context)
    }
}
