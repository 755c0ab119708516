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
        // The codec leaves the target of a request to a proxy as it is.
        let target = request.head.path ?? "/"
        guard let scheme = Self.scheme(of: target) else {
            return try await mirror.respond(to: request, context: context)
        }
        guard ["http", "https"].contains(scheme) else {
            throw APIError(.notImplemented, "unsupported_scheme", "this proxy speaks http and https, and no \(scheme)")
        }
        guard let url = ResourceURL(target) else { throw APIError.badRequest("the request's URL is malformed") }
        return try await forward.respond(to: request, url: url, context: context)
    }

    /// The scheme of an absolute URL; nil for a path and whatever else.
    private static func scheme(of target: String) -> String? {
        guard !target.hasPrefix("/"), let end = target.firstRange(of: "://")?.lowerBound else { return nil }
        let scheme = target[..<end].lowercased()
        let isScheme =
            !scheme.isEmpty
            && scheme.utf8.allSatisfy { (0x61...0x7A).contains($0) || "0123456789+-.".utf8.contains($0) }
        return isScheme ? scheme : nil
    }
}
