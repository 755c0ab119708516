/// An entity tag (RFC 9110 §8.8.3).
package struct EntityTag: Sendable, Hashable {
    /// The characters between the quotes.
    package let opaque: String
    /// Whether it only says that two representations are equivalent, not that they are the same bytes.
    package let isWeak: Bool

    /// A tag of the given characters, which must not contain a quote.
    package init(_ opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// Parses `"opaque"` or `W/"opaque"`.
    ///
    /// Returns nil for anything else.
    package init?(parsing text: some StringProtocol) {
        let isWeak = text.utf8.starts(with: "W/".utf8)
        let quoted = Array(text.utf8.dropFirst(isWeak ? 2 : 0))
        let quote = UInt8(ascii: "\"")
        guard quoted.count >= 2, quoted.first == quote, quoted.last == quote else { return nil }
        let opaque = quoted.dropFirst().dropLast()
        guard opaque.allSatisfy({ $0 == 0x21 || (0x23...0x7E).contains($0) || $0 >= 0x80 }) else { return nil }
        self.init(String(decoding: opaque, as: UTF8.self), isWeak: isWeak)
    }

    /// The strong comparison of RFC 9110 §8.8.3.2: the same bytes.
    package func isStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    /// The weak comparison: the same or equivalent.
    package func isWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }

    /// Parses the list of an If-Match or If-None-Match field; malformed elements are passed over.
    static func list(_ value: String) -> [EntityTag] {
        var tags: [EntityTag] = []
        var rest = value[...]
        while let start = rest.firstIndex(where: { !" \t,".contains($0) }) {
            rest = rest[start...]
            let afterPrefix = rest.hasPrefix("W/") ? rest.dropFirst(2) : rest
            guard afterPrefix.first == "\"", let end = afterPrefix.dropFirst().firstIndex(of: "\"") else {
                rest = rest.drop { $0 != "," }
                continue
            }
            if let tag = EntityTag(parsing: rest[...end]) { tags.append(tag) }
            rest = rest[rest.index(after: end)...]
        }
        return tags
    }
}

extension EntityTag: CustomStringConvertible {
    /// The field value.
    package var description: String { (isWeak ? "W/" : "") + "\"\(opaque)\"" }
}
