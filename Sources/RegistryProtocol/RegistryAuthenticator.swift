internal import Content
internal import Glibc
internal import Synchronization

/// Sends a ``TokenRequest``, follows redirects, and hands back the answer whatever its status.
public protocol TokenTransport: Sendable {
    /// Throws whatever kept the answer from coming.
    func send(_ request: TokenRequest) async throws -> TokenAnswer
}

/// Logs in at registries: knows which kind of login each wants, asks for tokens and keeps them.
///
/// For each request to a registry: send what ``authorization(for:scopes:credentials:)`` says; after a 401 send it once
/// more with what ``authorization(answering:from:scopes:credentials:rejected:)`` says, if anything.
public final class RegistryAuthenticator: Sendable {
    /// What a registry wants, learned from its last challenge.
    private enum Scheme: Sendable, Hashable {
        case basic
        case bearer(BearerChallenge)
    }

    private struct State: Sendable {
        var tokens = TokenCache()
        var schemes: [String: Scheme] = [:]
    }

    private static let mostRegistries = 4096

    private let transport: any TokenTransport
    private let now: @Sendable () -> Duration
    private let wallClock: @Sendable () -> Int64
    private let state = Mutex(State())
    private let flights = SingleFlight<TokenCache.Key, BearerToken>()

    /// Knows nothing yet.
    ///
    /// `now` is time that passes evenly, `wallClock` seconds since 1970.
    public init(
        transport: any TokenTransport,
        now: @escaping @Sendable () -> Duration = RegistryAuthenticator.monotonicClock(),
        wallClock: @escaping @Sendable () -> Int64 = RegistryAuthenticator.systemClock()
    ) {
        self.transport = transport
        self.now = now
        self.wallClock = wallClock
    }

    /// Time since the call.
    public static func monotonicClock() -> @Sendable () -> Duration {
        let start = ContinuousClock.now
        return { ContinuousClock.now - start }
    }

    /// Seconds since 1970.
    public static func systemClock() -> @Sendable () -> Int64 {
        { Int64(time(nil)) }
    }

    /// The `Authorization` to send to a registry's origin unasked; nil for none.
    ///
    /// Saves the 401 where the registry is known: the token is taken from the cache, or fetched. A token server that gives none
    /// to anybody may be the registry's no longer, or is not needed for this request: nil, and the registry's next challenge
    /// says where to go.
    public func authorization(
        for origin: String,
        scopes: [String],
        credentials: RegistryCredentials
    ) async throws(TokenError) -> String? {
        if case .registryToken(let token) = credentials { return "Bearer \(token)" }
        switch state.withLock({ $0.schemes[origin] }) {
        case .basic: return credentials.basicAuthorization
        case .bearer(let challenge):
            do throws(TokenError) {
                let token = try await token(challenge, origin, scopes, credentials, rejected: nil)
                return "Bearer \(token.value)"
            } catch {
                // Who waited for it in vain has given up: whether it is needed at all shows with the next request.
                if error.isAboutServer || error.code == .cancelled { forget(.bearer(challenge), origin) }
                guard error.isAboutServer else { throw error }
                return nil
            }
        case nil: return nil
        }
    }

    /// The `Authorization` that answers a 401's `WWW-Authenticate` values; nil if nothing better can be said than what
    /// was sent.
    ///
    /// `rejected` is the `Authorization` that was sent. The scopes of the challenge count before the given ones.
    public func authorization(
        answering challenges: [String],
        from origin: String,
        scopes: [String],
        credentials: RegistryCredentials,
        rejected: String?
    ) async throws(TokenError) -> String? {
        if case .registryToken = credentials { return nil }
        let offered = Challenge.parse(challenges)
        if let challenge = offered.lazy.compactMap({ BearerChallenge($0) }).first {
            let scopes = challenge.scopes.isEmpty ? scopes : challenge.scopes
            let old = rejected.flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
            let token: BearerToken
            do throws(TokenError) {
                token = try await self.token(challenge, origin, scopes, credentials, rejected: old)
            } catch {
                // One that refuses somebody gives others what they need.
                if !error.isAboutServer, error.code != .cancelled { learn(.bearer(challenge), origin) }
                throw error
            }
            learn(.bearer(challenge), origin)
            return token.value == old ? nil : "Bearer \(token.value)"
        }
        guard offered.contains(where: { $0.scheme == "basic" }) else { return nil }
        learn(.basic, origin)
        let basic = credentials.basicAuthorization
        return basic == rejected ? nil : basic
    }

    private func learn(_ scheme: Scheme, _ origin: String) {
        state.withLock { state in
            // Whatever is forgotten is learned again by one 401.
            if state.schemes.count >= Self.mostRegistries, state.schemes[origin] == nil { state.schemes = [:] }
            state.schemes[origin] = scheme
        }
    }

    private func forget(_ scheme: Scheme, _ origin: String) {
        state.withLock { state in
            if state.schemes[origin] == scheme { state.schemes[origin] = nil }
        }
    }

    private func token(
        _ challenge: BearerChallenge,
        _ origin: String,
        _ scopes: [String],
        _ credentials: RegistryCredentials,
        rejected: String?
    ) async throws(TokenError) -> BearerToken {
        let key = TokenCache.Key(challenge, scopes: scopes, credentials: credentials)
        if let token = cached(key, rejected) { return token }
        if challenge.realm.scheme == "http", origin.hasPrefix("https:"), credentials != .anonymous {
            let message = "\(origin) wants credentials to go over plain http to \(challenge.realm.origin)"
            throw TokenError(.insecure, message)
        }
        let request = TokenRequest(challenge, scopes: key.scopes, credentials: credentials)
        return try await flights.run(key) { () async throws(TokenError) in
            if let token = cached(key, rejected) { return token }
            let asked = now()
            let token = try await fetch(request, challenge.realm)
            state.withLock { $0.tokens.insert(token, for: key, asked: asked) }
            return token
        }
    }

    private func cached(_ key: TokenCache.Key, _ rejected: String?) -> BearerToken? {
        let time = now()
        return state.withLock { $0.tokens.token(for: key, at: time, rejected: rejected) }
    }

    private func fetch(_ request: TokenRequest, _ realm: ResourceURL) async throws(TokenError) -> BearerToken {
        let answer: TokenAnswer
        do {
            answer = try await transport.send(request)
        } catch {
            if Task.isCancelled { throw TokenError(.cancelled, "cancelled", cause: error) }
            throw TokenError(.unreachable, "the token server \(realm.origin) can not be reached", cause: error)
        }
        let (status, place) = (answer.status, "the token server \(realm.origin) answered \(answer.status)")
        switch status {
        case 200:
            guard let token = BearerToken(json: answer.body, now: wallClock()) else {
                throw TokenError(.malformed, "\(place), but with no usable token", status: status)
            }
            return token
        case 400, 401, 403, 404: throw TokenError(.refused, place, status: status)
        case 429: throw TokenError(.throttled, place, status: status, retryAfter: answer.retryAfter)
        case 500...599: throw TokenError(.unreachable, place, status: status, retryAfter: answer.retryAfter)
        default: throw TokenError(.malformed, place, status: status)
        }
    }
}
