package import NodeConfig

/// A pattern for names, in which `*` stands for anything and `?` for one character.
package struct Glob: Sendable, Hashable, ConfigValue {
    private let pattern: [UInt8]
    package let configText: String

    package init(_ text: String) {
        configText = text
        pattern = Array(text.utf8)
    }

    /// Any text but none.
    package init?(configText: String) {
        guard !configText.isEmpty, configText.utf8.count <= 1024 else { return nil }
        self.init(configText)
    }

    package static var expectation: String { "a name in which * stands for anything and ? for one character" }

    /// Whether all of the text is meant.
    ///
    /// Goes back to the last star only: no text makes it slow.
    package func matches(_ text: String) -> Bool {
        let text = Array(text.utf8)
        var (place, at) = (0, 0)
        var retry: (place: Int, at: Int)?
        while at < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                retry = (place + 1, at)
                place += 1
            } else if place < pattern.count, pattern[place] == UInt8(ascii: "?") || pattern[place] == text[at] {
                place += 1
                at += 1
            } else if let last = retry {
                retry = (last.place, last.at + 1)
                (place, at) = (last.place, last.at + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// Which names are meant: those that `include` matches and `exclude` does not.
package struct NameFilter: Sendable, Hashable, Configurable {
    package var include: [Glob]
    package var exclude: [Glob] = []

    package init(include: [String] = ["*"]) { self.include = include.map { Glob($0) } }

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.list("include", &include)
        try fields.list("exclude", &exclude)
    }

    /// `names`: those of one thing, which may go by several.
    package func matches(_ names: String...) -> Bool {
        func isMeant(_ pattern: Glob) -> Bool { names.contains { pattern.matches($0) } }
        return include.contains(where: isMeant) && !exclude.contains(where: isMeant)
    }
}
