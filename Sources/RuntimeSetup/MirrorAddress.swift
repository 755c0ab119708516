import Content

/// Where a runtime finds the node's dfdaemon.
package struct MirrorAddress: Sendable, Hashable, CustomStringConvertible {
    /// `http://127.0.0.1:65001`, without a slash at the end.
    package let url: String
    /// Host and port.
    package let authority: String

    /// Where dfdaemon listens unless it is told otherwise.
    package static let usual = MirrorAddress(url: "http://127.0.0.1:65001", authority: "127.0.0.1:65001")

    private init(url: String, authority: String) {
        self.url = url
        self.authority = authority
    }

    /// Returns nil for what is not scheme, host and perhaps port.
    package init?(_ text: some StringProtocol) {
        guard let url = ResourceURL(text), ["http", "https"].contains(url.scheme), url.path == "/", url.query == nil,
            url.userInfo == nil
        else { return nil }
        self.init(url: url.origin, authority: url.authority)
    }

    package var description: String { url }

    var isEncrypted: Bool { url.hasPrefix("https:") }

    /// Whether a URL in a configuration means this place.
    func matches(_ text: String) -> Bool { MirrorAddress(text) == self }
}
