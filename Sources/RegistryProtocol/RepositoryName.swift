/// A repository's name within a registry, such as `library/nginx` (distribution-spec, "Pulling manifests").
public struct RepositoryName: Sendable, Hashable, CustomStringConvertible {
    private static let longest = 255

    /// The name itself.
    public let text: String

    /// Returns nil for what breaks the grammar: lower-case letters and digits, parted by `.`, `_`, `__` or dashes, in
    /// components parted by `/`.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= Self.longest,
            text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy({ Self.isComponent($0) })
        else { return nil }
        self.text = String(text)
    }

    /// Same as ``text``.
    public var description: String { text }

    private static func isComponent(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last)
        else { return false }
        return bytes.split(whereSeparator: isAlphanumeric).allSatisfy { separator in
            separator.allSatisfy { $0 == UInt8(ascii: "-") }
                || [[UInt8(ascii: ".")], [UInt8(ascii: "_")], [UInt8(ascii: "_"), UInt8(ascii: "_")]]
                    .contains(Array(separator))
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || ASCII.isLowercase(byte)
    }
}

/// A tag's name, such as `v1.2` (distribution-spec: a word character, then at most 127 of these, `.` and `-`).
public struct TagName: Sendable, Hashable, CustomStringConvertible {
    /// `latest`, which is meant where none is given.
    public static let latest = TagName(valid: "latest")

    /// The tag itself.
    public let text: String

    /// Returns nil for what breaks the grammar.
    public init?(_ text: some StringProtocol) {
        guard (1...128).contains(text.utf8.count), let first = text.utf8.first, Self.isWord(first),
            text.utf8.allSatisfy({ Self.isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.init(valid: String(text))
    }

    private init(valid text: String) { self.text = text }

    /// Same as ``text``.
    public var description: String { text }

    private static func isWord(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || ASCII.isLetter(byte) || byte == UInt8(ascii: "_")
    }
}
