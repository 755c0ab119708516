import NodeConfig

/// A regular expression of the configuration that is looked for anywhere in a URL, as Dragonfly's `regx` is.
package struct URLPattern: Sendable {
    /// As it was written.
    package let text: String
    private let pattern: TextPattern

    /// Returns nil for what is no regular expression, and for nothing.
    package init?(_ text: String) {
        guard let pattern = TextPattern(text) else { return nil }
        self.text = text
        self.pattern = pattern
    }

    /// Whether it is found in `url`.
    package func matches(_ url: String) -> Bool { pattern.matches(url) }
}

extension URLPattern: ConfigValue {
    package init?(configText: String) { self.init(configText) }
    package var configText: String { text }
    package static var expectation: String { "a regular expression" }
}
