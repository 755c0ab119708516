/// A password, token or key, which no description, log line or printed configuration ever shows.
public struct Secret: Sendable, Hashable {
    static let mask = "(set)"
    private let text: String

    /// Hides `text`.
    public init(_ text: String) { self.text = text }

    /// The secret itself, for whoever has to send it.
    public func reveal() -> String { text }
}

extension Secret: ConfigValue {
    /// Takes any text but what stands for a secret in a printed configuration: that would be used as a password.
    public init?(configText: String) {
        guard configText != Self.mask else { return nil }
        self.init(configText)
    }

    /// `(set)`.
    public var configText: String { Self.mask }

    /// What a person is told to write.
    public static var expectation: String { "the secret itself" }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `(set)`.
    public var description: String { Self.mask }
    /// `(set)`.
    public var debugDescription: String { Self.mask }
    /// Nothing, so that `dump` shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
