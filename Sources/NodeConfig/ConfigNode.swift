/// A YAML document reduced to what configurations need: text with line numbers.
struct ConfigNode: Sendable {
    enum Kind: Sendable {
        /// Nothing: `key:`, `~` or `null`.
        case null
        case scalar(String)
        case sequence([ConfigNode])
        case mapping([ConfigEntry])
    }

    var kind: Kind
    /// Where it starts, from 1; nil for what was not read from a file.
    var line: Int?

    init(_ kind: Kind, line: Int? = nil) {
        self.kind = kind
        self.line = line
    }

    /// What it is, for an error message.
    var found: String {
        switch kind {
        case .null: "nothing"
        case .scalar(let text): "'\(text.prefix(60))'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// One key of a mapping with its value.
struct ConfigEntry: Sendable {
    var key: String
    var line: Int?
    var value: ConfigNode
}

/// Which part of which file a node belongs to, for messages.
struct ConfigPlace: Sendable {
    var file: String?
    /// Such as `peers` or `backends[0]`; empty at the top.
    var path: String

    func inside(_ key: String) -> ConfigPlace {
        ConfigPlace(file: file, path: path.isEmpty ? key : "\(path).\(key)")
    }

    func inside(_ key: String, _ index: Int) -> ConfigPlace {
        ConfigPlace(file: file, path: inside(key).path + "[\(index)]")
    }

    func error(line: Int?, _ message: String) -> ConfigError {
        ConfigError(file: file, line: line, message: message)
    }

    /// ` in 'path'`, or nothing at the top.
    var suffix: String { path.isEmpty ? "" : " in '\(path)'" }
}
