import BackendAPI
import Content
import CurlTransport
import HTTPTypes
import Hummingbird
import OriginTransfer
import PeerEngine
import RegistryProtocol
import Synchronization
import WireAPI

/// Who a request is at its registry, and who sees to it that the registry knows.
enum MirrorIdentity: Sendable {
    /// The client itself: what it sends goes on as it is, and the registry's challenges come back to it.
    case client(authorization: String?)
    /// This node logs in, as the one that the client or the configuration names.
    case node(RegistryCredentials)
}

extension MirrorTarget {
    /// Who a request is here.
    ///
    /// A client that names its registry in the path can not log in by itself: it would ask for a scope with that in it. User
    /// and password of its own are used for it; a token that it has got for another registry's scope is not.
    /// The configured login is for reading: whoever reaches this node may read with it, and writes as itself.
    /// Throws where the configured login can not be used.
    func identity(of request: Request) throws(DockerConfig.Fault) -> MirrorIdentity {
        let own = request.headers[.authorization]
        let reads = request.method == .get || request.method == .head
        if isPrefixed {
            // podman and skopeo without a login show an empty one where `/v2/` asks for any.
            if let credentials = own.flatMap({ RegistryCredentials(authorization: $0) }),
                case .basic(let user, let password) = credentials, !(user.isEmpty && password.isEmpty)
            {
                return .node(credentials)
            }
        } else if own != nil || !upstream.logins.isGiven || !reads {
            return .client(authorization: own)
        }
        guard reads else { return .node(.anonymous) }
        return .node(try upstream.logins.credentials(for: upstream.name, repository: path.repository))
    }

    /// What a token for a request of that method is to allow.
    func scopes(_ method: HTTPRequest.Method) -> [String] {
        guard let repository = path.repository else { return path == .catalog ? [RegistryScope.catalog] : [] }
        switch method {
        case .get, .head: return [RegistryScope.pull(repository)]
        case .delete: return [RegistryScope.delete(repository)]
        default:
            // A blob that is mounted from another repository has to be readable there.
            let from = query?.split(separator: "&").first { $0.hasPrefix("from=") }?.dropFirst(5)
            let source = from.flatMap { ResourceURL.percentDecoded($0) }.flatMap { RepositoryName($0) }
            return [RegistryScope.push(repository)] + (source.map { [RegistryScope.pull($0)] } ?? [])
        }
    }
}

/// Logs in at registries for those who can not do so themselves.
final class MirrorLogin: Sendable {
    private let transport: CurlTransport
    private let authenticators = Mutex<[String: RegistryAuthenticator]>([:])

    private static let mostRegistries = 1024
    private static let longestAnswer = 64 << 10

    init(transport: CurlTransport) { self.transport = transport }

    /// What knows the tokens of a registry.
    func authenticator(_ upstream: Upstream) -> RegistryAuthenticator {
        authenticators.withLock { authenticators in
            let origin = upstream.base.url.origin
            if let known = authenticators[origin] { return known }
            if authenticators.count >= Self.mostRegistries { authenticators = [:] }
            let server = TokenServer(transport: transport, options: upstream.options)
            let authenticator = RegistryAuthenticator(transport: server)
            authenticators[origin] = authenticator
            return authenticator
        }
    }

    /// What a request is sent with at first.
    struct Opening: Sendable {
        var authorization: String?
        /// Why the token is missing that the registry seems to want; it may not want one for this request.
        var failure: TokenError?
    }

    /// The `Authorization` for requests of one identity; none where the token server refuses, or gives none to anybody: the
    /// registry itself is to say what that means.
    ///
    /// A registry that is not known yet is asked how it wants to be logged in at.
    func opening(
        _ identity: MirrorIdentity,
        at target: MirrorTarget,
        for method: HTTPRequest.Method
    ) async throws(TokenError) -> Opening {
        guard case .node(let credentials) = identity else {
            if case .client(let authorization) = identity { return Opening(authorization: authorization) }
            return Opening()
        }
        let authenticator = authenticator(target.upstream)
        let (origin, scopes) = (target.upstream.base.url.origin, target.scopes(method))
        do throws(TokenError) {
            if let known = try await authenticator.authorization(
                for: origin,
                scopes: scopes,
                credentials: credentials
            ) {
                return Opening(authorization: known)
            }
        } catch {
            guard error.code == .refused else { throw error }
            return Opening()
        }
        let challenges = try await challenges(of: target.upstream)
        guard !challenges.isEmpty else { return Opening() }
        do throws(TokenError) {
            let authorization = try await authenticator.authorization(
                answering: challenges,
                from: origin,
                scopes: scopes,
                credentials: credentials,
                rejected: nil
            )
            return Opening(authorization: authorization)
        } catch {
            switch error.code {
            case .refused: return Opening()
            case .throttled, .cancelled: throw error
            default: return Opening(failure: error)
            }
        }
    }

    /// A better `Authorization` after the registry's refusal; nil if there is none.
    func authorization(
        answering response: Response,
        rejected: String?,
        _ credentials: RegistryCredentials,
        at target: MirrorTarget,
        for method: HTTPRequest.Method
    ) async -> String? {
        let challenges = response.headers[values: .wwwAuthenticate]
        return try? await authenticator(target.upstream).authorization(
            answering: challenges,
            from: target.upstream.base.url.origin,
            scopes: target.scopes(method),
            credentials: credentials,
            rejected: rejected
        )
    }

    /// What the origin is shown for content: nothing by whoever is nobody there, so that others may share it.
    func credentials(
        _ identity: MirrorIdentity,
        at target: MirrorTarget
    ) async throws(DownloadError) -> Credentials {
        if case .node(.anonymous) = identity { return Credentials() }
        do throws(TokenError) {
            let authorization = try await opening(identity, at: target, for: .get).authorization
            return Credentials(headers: authorization.map { ["Authorization": $0] } ?? [:])
        } catch {
            throw DownloadError(error)
        }
    }

    /// Gives credentials, and after that others: whoever asks again has failed with the ones before, whose token may be good no
    /// longer, whatever its server has said.
    func renewing(
        _ identity: MirrorIdentity,
        at target: MirrorTarget
    ) -> @Sendable () async throws(DownloadError) -> Credentials {
        let last = Mutex<Credentials?>(nil)
        return { [self] () async throws(DownloadError) in
            let given: Credentials
            if let used = last.withLock({ $0 }) {
                given = await renewed(used, identity, target)
            } else {
                given = try await credentials(identity, at: target)
            }
            last.withLock { $0 = given }
            return given
        }
    }

    /// Better ones than those; the same if there are none.
    private func renewed(_ used: Credentials, _ identity: MirrorIdentity, _ target: MirrorTarget) async -> Credentials {
        guard case .node(let login) = identity, login != .anonymous else { return used }
        let authorization = try? await authenticator(target.upstream).authorization(
            answering: challenges(of: target.upstream),
            from: target.upstream.base.url.origin,
            scopes: target.scopes(.get),
            credentials: login,
            rejected: used.headers["Authorization"]
        )
        return authorization.map { Credentials(headers: ["Authorization": $0]) } ?? used
    }

    private func challenges(of upstream: Upstream) async throws(TokenError) -> [String] {
        let request = TransferRequest(url: upstream.base.url.origin + "/v2/", options: upstream.options)
        do throws(TransferError) {
            let answer = try await transport.send(request, limit: Self.longestAnswer)
            return answer.head.status == 401 ? answer.head.fields.values(of: "WWW-Authenticate") : []
        } catch {
            throw TokenError(
                error.code == .cancelled ? .cancelled : .unreachable,
                "\(upstream.base.url.origin) can not be reached",
                cause: error
            )
        }
    }
}

extension WireError {
    /// What it means that there was no token.
    init(_ error: TokenError) {
        let code: Code =
            switch error.code {
            case .throttled: .originThrottled
            case .cancelled: .cancelled
            case .insecure: .sourceRefused
            case .refused: .originUnauthorized
            case .unreachable: error.status == nil ? .originUnreachable : .originUnavailable
            default: .originUnavailable
            }
        let seconds = error.retryAfter.map { ["retry_after": "\(Int($0.components.seconds) + 1)"] }
        self.init(code, error.message, detail: seconds ?? [:])
    }
}
