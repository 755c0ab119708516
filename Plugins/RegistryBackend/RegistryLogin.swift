internal import BackendAPI
internal import Content
internal import RegistryProtocol

/// One request's right at a registry: what is sent at first, and what after a 401.
struct RegistryLogin: Sendable {
    private let authenticator: RegistryAuthenticator
    private let origin: String
    private let scopes: [String]
    private let credentials: RegistryCredentials
    /// The request's other credentials, such as cookies.
    private let others: HeaderFields
    /// An `Authorization` of an unknown scheme, which is the request's own business.
    private let foreign: String?

    /// The request's own credentials are used if it has any; else the configured ones.
    init(
        _ request: OriginRequest,
        repository: RepositoryName?,
        configuration: RegistryConfiguration,
        authenticator: RegistryAuthenticator
    ) throws(BackendError) {
        self.authenticator = authenticator
        let url = request.resource.url
        origin = url.origin
        scopes = repository.map { [RegistryScope.pull($0)] } ?? []
        let own = request.credentials.headers
        others = own.filter { $0 != "authorization" }
        if request.credentials.isEmpty {
            foreign = nil
            do throws(DockerConfig.Fault) {
                credentials = try configuration.credentials(for: url, repository: repository)
            } catch {
                throw BackendError(.unauthorized, error.message)
            }
        } else {
            let known = own["Authorization"].flatMap { RegistryCredentials(authorization: $0) }
            credentials = known ?? .anonymous
            foreign = known == nil ? own["Authorization"] : nil
        }
    }

    /// Makes a request, and once more if the registry does not take what was sent.
    func run<Result>(
        _ attempt: (HeaderFields) async throws(BackendError) -> Result
    ) async throws(BackendError) -> Result {
        if let foreign { return try await attempt(fields(foreign)) }
        let first = try await unasked()
        let refusal: BackendError
        do throws(BackendError) {
            return try await attempt(fields(first))
        } catch {
            guard error.code == .unauthorized, !error.challenges.isEmpty else { throw error }
            refusal = error
        }
        guard let second = try await answer(to: refusal, rejected: first) else { throw refusal }
        return try await attempt(fields(second))
    }

    private func fields(_ authorization: String?) -> HeaderFields {
        var fields = others
        fields["Authorization"] = authorization
        return fields
    }

    private func unasked() async throws(BackendError) -> String? {
        do throws(TokenError) {
            return try await authenticator.authorization(for: origin, scopes: scopes, credentials: credentials)
        } catch {
            // The registry itself is to refuse: its challenge is what a client needs to see.
            if error.code == .refused { return nil }
            throw BackendError(error, after: nil)
        }
    }

    private func answer(to refusal: BackendError, rejected: String?) async throws(BackendError) -> String? {
        do throws(TokenError) {
            return try await authenticator.authorization(
                answering: refusal.challenges,
                from: origin,
                scopes: scopes,
                credentials: credentials,
                rejected: rejected
            )
        } catch {
            throw BackendError(error, after: refusal)
        }
    }
}
