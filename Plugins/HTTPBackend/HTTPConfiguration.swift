internal import BackendAPI
internal import Content
public import NodeConfig
internal import OriginTransfer

/// The keys of `plugin: http`.
public struct HTTPConfiguration: Configurable {
    private var extraHeaders: [String: String] = [:]
    private var user = PasswordSettings()
    private var bearerToken: Secret?
    private var bearerTokenFile: String?
    private var bearer: SecretSource?
    private(set) var transfers = TransferSettings()

    /// Fields that each request has anyway, and that nobody can mean to set for all of them.
    private static let reserved: Set<String> = [
        "accept-encoding", "connection", "content-length", "expect", "host", "if-match", "if-modified-since",
        "if-none-match", "if-range", "if-unmodified-since", "range", "te", "trailer", "transfer-encoding", "upgrade",
    ]
    private static let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    /// No credentials, and in everything else what the node does.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.map("headers", &extraHeaders)
        for (name, value) in extraHeaders {
            try fields.check("headers", Self.isName(name), "has no field name: '\(name)'")
            try fields.check("headers", !Self.reserved.contains(name.lowercased()), "must not set '\(name)'")
            let isValue = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
            try fields.check("headers", isValue, "has control characters in '\(name)'")
        }
        try user.bind(&fields)
        try fields.secret("bearer_token", &bearerToken)
        try fields.optional("bearer_token_file", &bearerTokenFile)
        try bindBearer(&fields)
        let authorizations = [headers.contains("Authorization"), user.isGiven, bearer != nil]
        let isOne = authorizations.count { $0 } <= 1
        let key = bearer == nil ? "headers" : bearerToken == nil ? "bearer_token_file" : "bearer_token"
        try fields.check(key, isOne, "contradicts another way of authorization")
        try transfers.bind(&fields)
    }

    /// Fields for every request.
    var headers: HeaderFields { HeaderFields(extraHeaders.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }) }

    /// Who the node is, as it stands now.
    var credentials: Credentials { bearer.map { .bearer($0.current.reveal()) } ?? user.credentials }

    private mutating func bindBearer(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.check(
            "bearer_token_file",
            bearerToken == nil || bearerTokenFile == nil,
            "contradicts 'bearer_token'"
        )
        bearer = bearerToken.map { SecretSource($0) }
        if let bearerTokenFile {
            bearer = SecretSource(file: bearerTokenFile)
            try fields.check(
                "bearer_token_file",
                bearer != nil,
                "can not be read, or holds no text: \(bearerTokenFile)"
            )
        }
        // RFC 6750 §2.1: no spaces, nothing outside of ASCII.
        let isToken = bearer?.current.reveal().utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ?? true
        try fields.check(bearerToken == nil ? "bearer_token_file" : "bearer_token", isToken, "is no bearer token")
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.lowercased().utf8.allSatisfy { token.contains($0) }
    }
}
