import NodeConfig

/// A regular expression of the configuration; it matches where it is found anywhere in a text.
///
/// `@unchecked`: a `Regex` is never changed, and matching with it leaves it as it is; its type does not say so.
package struct TextPattern: @unchecked Sendable, Hashable {
    private let regex: Regex<AnyRegexOutput>
    /// How it was written.
    package let text: String

    /// What matches nothing that is ever asked for, and was not written by anybody.
    package static let nothing = TextPattern()

    private init() {
        // Nothing comes behind the end.
        regex = Regex(/$./)
        text = ""
    }

    /// Returns nil for what is no regular expression.
    package init?(_ text: String) {
        guard let regex = try? Regex(text) else { return nil }
        self.regex = regex
        self.text = text
    }

    /// Whether it is found in `text`.
    package func matches(_ text: String) -> Bool { (try? regex.firstMatch(in: text)) != nil }

    package static func == (left: TextPattern, right: TextPattern) -> Bool { left.text == right.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension TextPattern: ConfigValue {
    package init?(configText: String) { self.init(configText) }
    package var configText: String { text }
    package static var expectation: String { "a regular expression such as ^registry\\.example\\.com(:443)?$" }
}
