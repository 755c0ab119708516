internal import FoundationEssentials

/// The logins in a docker `config.json` (or podman's `auth.json`).
public struct DockerConfig: Sendable {
    /// Why logins can not be used.
    public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        /// In one line, for a person.
        public let message: String
        /// Same as ``message``.
        public var description: String { message }
    }

    private struct File: Decodable {
        struct Auth: Decodable {
            var auth: String?
            var username: String?
            var password: String?
            var identitytoken: String?
            var registrytoken: String?
        }

        var auths: [String: Auth]?
        var credHelpers: [String: String]?
        var credsStore: String?
    }

    private struct Login: Sendable {
        let place: Place
        /// Nil: the entry is empty, and the secret is with a helper.
        let credentials: RegistryCredentials?
    }

    /// A host, and with podman a part of its repositories.
    private struct Place: Sendable, Hashable {
        let host: String
        let path: String

        /// Keys are `host`, `host/path`, or what docker has written over the years, such as
        /// `https://index.docker.io/v1/`.
        init(_ key: String) {
            var rest = key[...]
            if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
            let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            host = ImageReference.canonicalHost(String(parts[0]))
            let path = parts.count == 2 ? String(parts[1].reversed().drop { $0 == "/" }.reversed()) : ""
            self.path = ["v1", "v2"].contains(path) ? "" : path
        }

        func covers(_ host: String, _ repository: String) -> Bool {
            host == self.host && (path.isEmpty || repository == path || repository.hasPrefix(path + "/"))
        }
    }

    private let logins: [Login]
    private let helpers: [String: String]
    private let store: String?

    /// No logins.
    public init() {
        (logins, helpers, store) = ([], [:], nil)
    }

    /// Parses the file's content.
    public init(json: [UInt8]) throws(Fault) {
        let file: File
        do {
            file = try JSONDecoder().decode(File.self, from: Data(json))
        } catch {
            throw Fault(message: "not a docker config.json: \(Self.describe(error))")
        }
        var logins: [Login] = []
        for (key, auth) in (file.auths ?? [:]).sorted(by: { $0.key < $1.key }) {
            logins.append(Login(place: Place(key), credentials: try Self.credentials(auth, key)))
        }
        self.logins = logins
        var helpers: [String: String] = [:]
        for (key, name) in file.credHelpers ?? [:] { helpers[Place(key).host] = name }
        self.helpers = helpers
        store = file.credsStore.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The registries whose logins are kept by programs, which Darter does not run, and these programs' names.
    public var unsupportedHelpers: [String: String] {
        var result = helpers
        if let store {
            for login in logins where login.credentials == nil { result[login.place.host] = store }
        }
        return result
    }

    /// The login for a registry's host (with a port where it has one), the one for the longest part of the repository's
    /// name first; anonymous where there is none.
    ///
    /// Throws where the login is kept by a credential helper: anonymous access in its place would only look like missing
    /// permission.
    public func credentials(
        for host: String,
        repository: RepositoryName? = nil
    ) throws(Fault) -> RegistryCredentials {
        let host = ImageReference.canonicalHost(host)
        let covering = logins.filter { $0.place.covers(host, repository?.text ?? "") }
        let best = covering.max { $0.place.path.utf8.count < $1.place.path.utf8.count }
        if let credentials = best?.credentials { return credentials }
        if let helper = helpers[host] ?? (best == nil ? nil : store) {
            throw Fault(
                message: "the login for \(host) is kept by the credential helper '\(helper)', which is not supported: "
                    + "give user and password, or an 'auth' in the file"
            )
        }
        return .anonymous
    }

    private static func credentials(_ auth: File.Auth, _ key: String) throws(Fault) -> RegistryCredentials? {
        if let token = auth.registrytoken, !token.isEmpty { return .registryToken(token) }
        if let token = auth.identitytoken, !token.isEmpty { return .identityToken(token) }
        if let text = auth.auth, !text.isEmpty {
            guard let credentials = RegistryCredentials(base64: text) else {
                throw Fault(message: "the 'auth' of '\(key)' is not user:password in base64")
            }
            guard case .basic("<token>", let token) = credentials else { return credentials }
            return .identityToken(token)
        }
        guard let user = auth.username, !user.isEmpty else { return nil }
        return .basic(user: user, password: auth.password ?? "")
    }

    /// Where in the file, but nothing of its content: that may be a secret.
    private static func describe(_ error: any Error) -> String {
        switch error {
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context),
            DecodingError.keyNotFound(_, let context):
            "a value of the wrong kind at '\(context.codingPath.map(\.stringValue).joined(separator: "."))'"
        default: "no valid JSON"
        }
    }
}
