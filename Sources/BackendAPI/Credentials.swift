public import Content
internal import FoundationEssentials

/// Header fields that prove a right, such as `Authorization` or `Cookie`: kept in memory, never shown.
public struct Credentials: Sendable, Hashable {
    /// What is sent to the origin.
    public let headers: HeaderFields

    /// These fields; none is anonymous.
    public init(headers: HeaderFields = [:]) { self.headers = headers }

    /// `Authorization: Basic` (RFC 7617).
    public static func basic(user: String, password: String) -> Credentials {
        let text = Data("\(user):\(password)".utf8).base64EncodedString()
        return Credentials(headers: ["Authorization": "Basic \(text)"])
    }

    /// `Authorization: Bearer` (RFC 6750).
    public static func bearer(_ token: String) -> Credentials {
        Credentials(headers: ["Authorization": "Bearer \(token)"])
    }

    /// What stood in front of a URL's host (``ResourceURL/userInfo``); nil where it is malformed.
    public init?(userInfo: String) {
        let parts = userInfo.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = ResourceURL.percentDecoded(parts[0]),
            let password = ResourceURL.percentDecoded(parts.count == 2 ? parts[1] : "")
        else { return nil }
        self = .basic(user: user, password: password)
    }

    /// Whether there are none: an anonymous request.
    public var isEmpty: Bool { headers.isEmpty }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Only whether there are any.
    public var description: String { isEmpty ? "anonymous" : "(credentials)" }
    /// Same as ``description``.
    public var debugDescription: String { description }
    /// Nothing, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
