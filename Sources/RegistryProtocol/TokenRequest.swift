public import Content

/// A request to a token server, for whoever has a transport.
public struct TokenRequest: Sendable, Hashable {
    /// `GET` or `POST`.
    public let method: String
    /// The whole URL.
    public let url: String
    /// To be sent, and not secret.
    public let headers: HeaderFields
    /// To be sent to this URL's origin only, and into no log.
    public let credentials: HeaderFields
    /// The body of a `POST`; may hold a secret.
    public let body: [UInt8]?

    /// The request for a token that answers `challenge` and allows `scopes`.
    ///
    /// User and password go along as Basic credentials of a GET, which every token server knows; a refresh token needs
    /// the OAuth2 form.
    public init(_ challenge: BearerChallenge, scopes: [String], credentials: RegistryCredentials) {
        var fields: [(String, String)] = []
        if let service = challenge.service { fields.append(("service", service)) }
        if case .identityToken(let token) = credentials {
            fields += [("client_id", "darter"), ("grant_type", "refresh_token"), ("refresh_token", token)]
            if !scopes.isEmpty { fields.append(("scope", scopes.joined(separator: " "))) }
            method = "POST"
            url = challenge.realm.text
            headers = ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"]
            self.credentials = [:]
            body = Array(Self.form(fields).utf8)
            return
        }
        fields += scopes.map { ("scope", $0) }
        method = "GET"
        let query = [challenge.realm.query ?? "", Self.form(fields)].filter { !$0.isEmpty }.joined(separator: "&")
        url = challenge.realm.origin + challenge.realm.path + (query.isEmpty ? "" : "?\(query)")
        headers = ["Accept": "application/json"]
        self.credentials = credentials.basicAuthorization.map { ["Authorization": $0] } ?? [:]
        body = nil
    }

    private static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0)=\(encoded($1))" }.joined(separator: "&")
    }

    /// Everything but RFC 3986's unreserved characters as `%XX`.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            if ASCII.isDigit(byte) || ASCII.isLetter(byte) || "-._~".utf8.contains(byte) {
                return String(UnicodeScalar(byte))
            }
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
        }.joined()
    }
}

extension TokenRequest: CustomStringConvertible, CustomReflectable {
    /// Method and URL.
    public var description: String { "\(method) \(url)" }
    /// Nothing, so that `dump` shows no credentials.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What a token server answered, whatever its status.
public struct TokenAnswer: Sendable {
    /// The HTTP status.
    public let status: Int
    /// `Retry-After` in seconds, where the answer has one.
    public let retryAfter: Duration?
    /// The whole body.
    public let body: [UInt8]

    /// An answer.
    public init(status: Int, retryAfter: Duration? = nil, body: [UInt8]) {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
    }
}
