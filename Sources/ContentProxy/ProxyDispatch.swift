import Content
package import HTTPService
import HTTPTypes
package import Hummingbird

/// What comes to the proxy's port: requests for absolute URLs are the proxy's, those for paths the registry mirror's.
package struct ProxyDispatch: HTTPResponder {
    package typealias Context = ServiceRequestContext

    private let mirror: MirrorResponder
    private let forward: ForwardResponder

    package init(mirror: MirrorResponder, forward: ForwardResponder) {
        self.mirror = mirror
        self.forward = forward
    }

    package func respond(to request: Request, context: ServiceRequestContext) async throws -> Response {
        guard let scheme = request.head.scheme else {
            let path = request.head.path ?? "/"
            guard path.hasPrefix("/") || !path.contains("://") else {
                throw APIError(
                    .notImplemented,
                    "unsupported_scheme",
                    "this proxy speaks http and https, and nothing else"
                )
            }
            return try await mirror.respond(to: request, context: context)
        }
        guard let url = ResourceURL("\(scheme)://\(request.head.authority ?? "")\(request.head.path ?? "/")") else {
            throw APIError.badRequest("the request's URL is malformed")
        }
        return try await forward.respond(to: request, url: url, context: context)
    }
}
