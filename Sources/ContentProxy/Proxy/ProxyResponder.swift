import Content
package import CurlTransport
package import HTTPService
package import Hummingbird

/// What a node's proxy listener answers: CONNECT, requests for any URL, and those to the registry mirror.
package struct ProxyResponder: HTTPResponder {
    package typealias Context = ServiceRequestContext

    private let access: ProxyAccess
    private let tunnels: TunnelResponder
    private let mirror: MirrorResponder
    private let forward: ForwardResponder
    private let interceptor: Interceptor
    private let options: TransferOptions

    /// `options`: the node's settings for origins.
    package init(
        _ access: ProxyAccessConfiguration,
        interceptor: Interceptor,
        mirror: MirrorResponder,
        forward: ForwardResponder,
        transport: CurlTransport,
        options: TransferOptions
    ) {
        self.access = ProxyAccess(access)
        self.mirror = mirror
        self.interceptor = interceptor
        self.forward = forward
        var options = options
        // A client is told where it is redirected, and decides itself.
        options.followRedirects = false
        self.options = options
        tunnels = TunnelResponder(
            transport: transport,
            options: options,
            ports: access.connectPorts,
            idleTimeout: access.tunnelIdleTimeout,
            interceptor: interceptor
        )
    }

    package func respond(to request: Request, context: ServiceRequestContext) async throws -> Response {
        try access.check(request, context)
        var response = try await answer(request, context)
        if !access.knowsNoUsers { context.notes.repeatable = nil }
        context.notes.finish(&response)
        return response
    }

    private func answer(_ request: Request, _ context: ServiceRequestContext) async throws -> Response {
        if request.method == .connect { return try await tunnels.connect(request, context) }
        // Only a client of a proxy names a scheme; what is asked of this server itself is the mirror's.
        guard let scheme = request.head.scheme else {
            let path = request.head.path ?? "/"
            if request.asksForServerOptions {
                return .allowing([.get, .head, .post, .put, .patch, .delete, .connect, .options])
            }
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
        var request = request
        var answer: Response?
        if TunnelResponder.isUpgrade(request) {
            switch try await tunnels.upgrade(request, to: url, context) {
            case .accepted(let response): return response
            case .declined(let ordinary, let given): (request, answer) = (ordinary, given)
            case .answered(let response):
                return forward.passedOn(response, to: request, url: url, context: context)
            }
        }
        let response = try await forward.respond(
            to: request,
            url: url,
            context: context,
            options: interceptor.options(options, forHost: url.host, port: url.portInUse ?? 80),
            known: answer
        )
        if response.status.kind == .successful { mirror.changed(url, by: request.method) }
        return response
    }
}
