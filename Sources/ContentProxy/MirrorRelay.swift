import Content
import HTTPService
import HTTPTypes
import Hummingbird
import Logging
import RegistryProtocol

/// Passes a request on to its registry, logged in as it has to be, and makes the answer one that the client can go on from.
struct MirrorRelay: Sendable {
    let relay: Relay
    let login: MirrorLogin

    /// A 429 tells a runtime to ask the same mirror again and again; so long is waited instead, at most.
    private static let patience = Duration.seconds(10)
    private static let mostAttempts = 3

    /// The registry's answer; where it can not be reached, an error of the API.
    ///
    /// `silence`: how long it may say nothing; nil: as long as any upstream.
    func pass(
        _ request: Request,
        to target: MirrorTarget,
        as identity: MirrorIdentity,
        within silence: Silence? = nil
    ) async throws -> Response {
        var silence = silence
        var response = try await silence.answering { try await attempt(request, target, identity) }
        var attempts = 1
        while response.status == .tooManyRequests {
            let delay = Self.delay(response)
            guard attempts < Self.mostAttempts, delay <= Self.patience, !Relay.hasBody(request) else {
                return Self.unavailable(delay)
            }
            try await Task.sleep(for: delay)
            attempts += 1
            silence?.isBroken()
            response = try await silence.answering { try await attempt(request, target, identity) }
        }
        return Self.localized(response, for: target)
    }

    private func attempt(
        _ request: Request,
        _ target: MirrorTarget,
        _ identity: MirrorIdentity
    ) async throws -> Response {
        guard case .node(let credentials) = identity else { return try await send(request, target, .clients) }
        let opening: MirrorLogin.Opening
        do throws(TokenError) {
            opening = try await login.opening(identity, at: target, for: request.method)
        } catch {
            throw APIError(.badGateway, "upstream_unavailable", error.message)
        }
        let first = opening.authorization
        let response = try await send(request, target, .replaced(first))
        if response.status == .unauthorized, let failure = opening.failure {
            throw APIError(.badGateway, "upstream_unavailable", failure.message)
        }
        guard response.status == .unauthorized, !Relay.hasBody(request),
            let second = await login.authorization(
                answering: response,
                rejected: first,
                credentials,
                at: target,
                for: request.method
            )
        else { return response }
        return try await send(request, target, .replaced(second))
    }

    private func send(
        _ request: Request,
        _ target: MirrorTarget,
        _ authorization: Relay.Authorization
    ) async throws -> Response {
        try await relay.pass(
            request,
            to: target.url,
            options: target.upstream.options,
            authorization: authorization
        )
    }

    /// The time that a 429 asks for; a second where it says nothing that can be understood.
    private static func delay(_ response: Response) -> Duration {
        guard let text = response.headers[.retryAfter] else { return .seconds(1) }
        if let seconds = Int64(text), seconds >= 0 { return .seconds(min(seconds, 1 << 20)) }
        guard let date = HTTPDate(text) else { return .seconds(1) }
        return .seconds(max(0, date.seconds - HTTPDate.now.seconds))
    }

    static func unavailable(_ delay: Duration) -> Response {
        var response = Response.json(
            RegistryErrorBody(.unavailable, message: "the registry wants to be asked later"),
            status: .serviceUnavailable
        )
        response.headers[.retryAfter] = "\(delay.components.seconds)"
        return response
    }

    /// The answer with what leads elsewhere leading here, and with a challenge that the client can answer.
    private static func localized(_ response: Response, for target: MirrorTarget) -> Response {
        var response = response
        if let location = response.headers[.location] { response.headers[.location] = target.rewritten(location) }
        if let name = HTTPField.Name("Link") {
            let links = response.headers[values: name].map { target.rewritten(link: $0) }
            if !links.isEmpty { response.headers[values: name] = links }
        }
        if target.isPrefixed, response.status == .unauthorized {
            // Its token server would be asked for a scope that it does not know; user and password are good here.
            response.headers[values: .wwwAuthenticate] = ["Basic realm=\"\(target.upstream.name)\""]
        }
        return response
    }
}
