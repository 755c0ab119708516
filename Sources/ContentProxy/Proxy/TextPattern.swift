/// A regular expression of the configuration; it matches where it is found anywhere in a text.
///
/// `@unchecked`: a `Regex` is never changed, and matching with it leaves it as it is; its type does not say so.
package struct TextPattern: @unchecked Sendable {
    private let regex: Regex<AnyRegexOutput>

    /// Returns nil for what is no regular expression, and for nothing.
    package init?(_ text: String) {
        guard !text.isEmpty, let regex = try? Regex(text) else { return nil }
        self.regex = regex
    }

    /// Whether it is found in `text`.
    package func matches(_ text: String) -> Bool { (try? regex.firstMatch(in: text)) != nil }
}
