internal import Content

/// Tokens by what they were asked for, as a value: time is a parameter.
public struct TokenCache: Sendable {
    /// What a token was asked for with.
    public struct Key: Sendable, Hashable {
        let realm: String
        let service: String?
        let scopes: [String]
        let credentials: Digest

        /// The order of the scopes does not matter; the credentials are kept as a hash only.
        public init(_ challenge: BearerChallenge, scopes: [String], credentials: RegistryCredentials) {
            realm = challenge.realm.text
            service = challenge.service
            self.scopes = Set(scopes).sorted()
            self.credentials = credentials.fingerprint
        }
    }

    private struct Entry: Sendable {
        let token: BearerToken
        /// When it is used for the last time.
        let end: Duration
    }

    private let margin: Duration
    private let limit: Int
    private var entries: [Key: Entry] = [:]

    /// A token is not used in its last moments, `margin` or a quarter of its lifetime, whichever is less: it has to last
    /// for the request.
    ///
    /// At most `limit` tokens are kept.
    public init(margin: Duration = .seconds(10), limit: Int = 4096) {
        self.margin = margin
        self.limit = max(1, limit)
    }

    /// How many tokens are kept.
    public var count: Int { entries.count }

    /// The token for a key, unless it has (nearly) run out or is `rejected`: one that a registry did not take.
    public func token(for key: Key, at now: Duration, rejected: String? = nil) -> BearerToken? {
        guard let entry = entries[key], now < entry.end, entry.token.value != rejected else { return nil }
        return entry.token
    }

    /// Keeps a token that was asked for at `asked`.
    public mutating func insert(_ token: BearerToken, for key: Key, asked: Duration) {
        if entries[key] == nil, entries.count >= limit { makeRoom(asked) }
        entries[key] = Entry(token: token, end: asked + token.lifetime - min(margin, token.lifetime / 4))
    }

    /// Drops a token that a registry did not take, if it is still the one that is kept.
    public mutating func remove(_ value: String, for key: Key) {
        if entries[key]?.token.value == value { entries[key] = nil }
    }

    /// Drops what has run out, or else the quarter that does so first.
    private mutating func makeRoom(_ now: Duration) {
        entries = entries.filter { now < $0.value.end }
        guard entries.count >= limit else { return }
        let first = entries.sorted { $0.value.end < $1.value.end }.prefix(max(1, limit / 4))
        for (key, _) in first { entries[key] = nil }
    }
}
