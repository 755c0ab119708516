internal import FoundationEssentials

/// A token and how long it is good for; never shown.
public struct BearerToken: Sendable, Hashable {
    /// What goes behind `Bearer `.
    public let value: String
    /// How long it is good for, from when it was asked for.
    public let lifetime: Duration

    /// A token.
    public init(value: String, lifetime: Duration) {
        self.value = value
        self.lifetime = lifetime
    }

    private struct Body: Decodable {
        var token: String?
        var accessToken: String?
        var expiresIn: Double?
        var issuedAt: String?

        enum CodingKeys: String, CodingKey {
            case token
            case accessToken = "access_token"
            case expiresIn = "expires_in"
            case issuedAt = "issued_at"
        }

        /// The token is what matters: a lifetime that makes no sense is as good as none.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            token = try container.decodeIfPresent(String.self, forKey: .token)
            accessToken = try container.decodeIfPresent(String.self, forKey: .accessToken)
            expiresIn = try? container.decodeIfPresent(Double.self, forKey: .expiresIn)
            issuedAt = try? container.decodeIfPresent(String.self, forKey: .issuedAt)
        }
    }

    /// Parses a token server's answer; returns nil for one without a usable token.
    ///
    /// `now` is seconds since 1970: a token that was issued a while ago is good for less. Where the clocks disagree
    /// more than that, the server's age is not believed: a token that turns out stale is refreshed anyway.
    public init?(json: [UInt8], now: Int64) {
        guard let body = try? JSONDecoder().decode(Body.self, from: Data(json)),
            let value = [body.token, body.accessToken].compactMap({ $0 }).first(where: { !$0.isEmpty }),
            value.utf8.allSatisfy(ASCII.isVisible)
        else { return nil }
        let told = body.expiresIn ?? 0
        // 60 s is the specification's default; a year is as good as for ever.
        let seconds = told >= 1 ? Int64(min(told, 31_536_000)) : 60
        let age = body.issuedAt.flatMap(Self.seconds).map { now &- $0 } ?? 0
        self.init(value: value, lifetime: .seconds((0..<seconds).contains(age) ? seconds - age : seconds))
    }

    /// Seconds since 1970 of an RFC 3339 date, with or without a fraction.
    private static func seconds(_ text: String) -> Int64? {
        var text = text
        if let point = text.firstIndex(of: ".") {
            let end = text[text.index(after: point)...].firstIndex { !("0"..."9").contains($0) } ?? text.endIndex
            text.removeSubrange(point..<end)
        }
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }
        return Int64(date.timeIntervalSince1970)
    }
}

extension BearerToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Not the token.
    public var description: String { "(token)" }
    /// Same as ``description``.
    public var debugDescription: String { description }
    /// Nothing, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
