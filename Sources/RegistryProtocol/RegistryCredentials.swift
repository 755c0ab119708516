internal import Content
internal import FoundationEssentials

/// What logs in at a registry; never shown.
public enum RegistryCredentials: Sendable, Hashable {
    /// Nothing.
    case anonymous
    /// User and password.
    case basic(user: String, password: String)
    /// A refresh token, which only the token server takes (docker's `identitytoken`).
    case identityToken(String)
    /// A token for the registry itself (docker's `registrytoken`).
    case registryToken(String)

    /// What the `Authorization` header of a user says; returns nil for a scheme other than Basic and Bearer.
    public init?(authorization value: String) {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let rest = String(parts[1].drop { $0 == " " })
        switch parts[0].lowercased() {
        case "basic":
            guard let pair = RegistryCredentials(base64: rest) else { return nil }
            self = pair
        case "bearer": self = .registryToken(rest)
        default: return nil
        }
    }

    /// `user:password` in base64, as `Authorization: Basic` and docker's `auth` have it.
    init?(base64: String) {
        // Some writers leave the padding out.
        let padded = base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: padded), let text = String(validating: data, as: UTF8.self),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        // docker pads the password with NUL bytes.
        let password = String(text[text.index(after: colon)...].reversed().drop { $0 == "\0" }.reversed())
        self = .basic(user: String(text[..<colon]), password: password)
    }

    /// `Basic ...` (RFC 7617) where there are user and password.
    var basicAuthorization: String? {
        guard case .basic(let user, let password) = self else { return nil }
        return "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }

    /// Tells them apart in caches without keeping them.
    var fingerprint: Digest {
        switch self {
        case .anonymous: Digest.of("anonymous")
        case .basic(let user, let password): Digest.of("basic\n\(user.utf8.count)\n\(user)\(password)")
        case .identityToken(let token): Digest.of("identity\n\(token)")
        case .registryToken(let token): Digest.of("registry\n\(token)")
        }
    }
}

extension RegistryCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The kind only.
    public var description: String {
        switch self {
        case .anonymous: "anonymous"
        case .basic: "(user and password)"
        case .identityToken: "(identity token)"
        case .registryToken: "(registry token)"
        }
    }
    /// Same as ``description``.
    public var debugDescription: String { description }
    /// Nothing, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
