public import BackendAPI
public import NodeConfig

/// The keys of a backend that name a user: `username`, and `password` or `password_file`.
public struct PasswordSettings: Configurable {
    private var username: String?
    private var password: Secret?
    private var passwordFile: String?
    private var source: SecretSource?

    /// Nobody.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("username", &username)
        try fields.secret("password", &password)
        try fields.optional("password_file", &passwordFile)
        // RFC 7617 §2: the first colon ends the user's name.
        let isName = username.map { !$0.isEmpty && !$0.contains(":") } ?? true
        try fields.check("username", isName, "must be a name without a colon")
        try fields.check("password_file", password == nil || passwordFile == nil, "contradicts 'password'")
        let hasPassword = password != nil || passwordFile != nil
        try fields.check("username", username == nil || hasPassword, "needs 'password' or 'password_file'")
        let given = password == nil ? "password_file" : "password"
        try fields.check(given, username != nil || !hasPassword, "needs 'username'")
        source = password.map { SecretSource($0) }
        if let passwordFile {
            source = SecretSource(file: passwordFile)
            try fields.check("password_file", source != nil, "can not be read, or holds no text: \(passwordFile)")
        }
    }

    /// Name and password as they are now; nil for nobody.
    public var current: (user: String, password: Secret)? {
        guard let username, let source else { return nil }
        return (username, source.current)
    }

    /// Whether somebody is named.
    public var isGiven: Bool { username != nil }

    /// Basic credentials of the user; empty for nobody.
    public var credentials: Credentials {
        current.map { .basic(user: $0.user, password: $0.password.reveal()) } ?? Credentials()
    }
}
