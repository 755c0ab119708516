public import Content

/// Where a registry sends its clients for a token (distribution, "Token Authentication Specification").
public struct BearerChallenge: Sendable, Hashable {
    /// The token server's URL.
    public let realm: ResourceURL
    /// The registry's name there; may be missing.
    public let service: String?
    /// What the token must allow; empty where the registry does not say.
    public let scopes: [String]
    /// Why a token that was sent is not enough, such as `invalid_token` or `insufficient_scope`.
    public let error: String?

    /// A challenge.
    public init(realm: ResourceURL, service: String?, scopes: [String], error: String? = nil) {
        self.realm = realm
        self.service = service
        self.scopes = scopes
        self.error = error
    }

    /// Returns nil for other schemes and for a realm that is no `http` or `https` URL.
    public init?(_ challenge: Challenge) {
        guard challenge.scheme == "bearer", let realm = challenge.parameters["realm"].flatMap({ ResourceURL($0) }),
            ["http", "https"].contains(realm.scheme)
        else { return nil }
        let scope = challenge.parameters["scope"] ?? ""
        self.init(
            realm: realm,
            service: challenge.parameters["service"],
            scopes: scope.split(separator: " ").map(String.init),
            error: challenge.parameters["error"]
        )
    }
}

/// What a token is to allow.
public enum RegistryScope {
    /// Reading a repository.
    public static func pull(_ name: RepositoryName) -> String { "repository:\(name):pull" }

    /// Reading and writing a repository.
    public static func push(_ name: RepositoryName) -> String { "repository:\(name):pull,push" }

    /// Deleting from a repository.
    public static func delete(_ name: RepositoryName) -> String { "repository:\(name):delete" }

    /// Listing the repositories.
    public static let catalog = "registry:catalog:*"
}
