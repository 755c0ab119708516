/// A part of a configuration kept as it was read, for somebody who knows what it means (a backend plugin).
public struct RawConfig: Sendable {
    private let node: ConfigNode
    private let place: ConfigPlace

    init(node: ConfigNode, place: ConfigPlace) {
        self.node = node
        self.place = place
    }

    /// No keys at all: every default holds.
    public init() {
        self.init(node: ConfigNode(.mapping([])), place: ConfigPlace(file: nil, path: ""))
    }

    /// Parses YAML, as a configuration file would have it.
    public init(yaml: String, file: String? = nil) throws(ConfigError) {
        var reader = YAMLReader(file: file)
        self.init(node: try reader.read(yaml), place: ConfigPlace(file: file, path: ""))
    }

    /// The file it was read from.
    public var file: String? { place.file }
    /// The line where it starts.
    public var line: Int? { node.line }
    /// Its keys in order; none if it is no mapping.
    public var keys: [String] {
        guard case .mapping(let entries) = node.kind else { return [] }
        return entries.map(\.key)
    }

    /// Reads it into `value`; every key must be one that `value` visits.
    ///
    /// `value` is unchanged after an error.
    public func bind(into value: inout some Configurable) throws(ConfigError) {
        try ConfigFields.read(node, at: place, into: &value)
    }

    /// An error at the place of `key`, or where this part starts.
    public func error(_ key: String? = nil, _ message: String) -> ConfigError {
        guard case .mapping(let entries) = node.kind, let entry = entries.first(where: { $0.key == key }) else {
            return place.error(line: line, message)
        }
        return place.error(line: entry.line, message)
    }

    /// For printing: nobody has said yet which of the values are secret, so whatever looks like it is masked.
    var maskedNode: ConfigNode { Self.masked(node) }

    private static let secretWords = ["password", "passwd", "secret", "token", "auth", "credential", "cookie"]

    private static func masked(_ node: ConfigNode) -> ConfigNode {
        switch node.kind {
        case .null: node
        case .scalar(let text): hasUserInfo(text) ? ConfigNode(.scalar(Secret.mask)) : node
        case .sequence(let items): ConfigNode(.sequence(items.map(masked)))
        case .mapping(let entries):
            ConfigNode(
                .mapping(
                    entries.map { entry in
                        let value = isSecret(entry.key) ? hidden(entry.value) : masked(entry.value)
                        return ConfigEntry(key: entry.key, value: value)
                    }
                )
            )
        }
    }

    private static func hidden(_ node: ConfigNode) -> ConfigNode {
        switch node.kind {
        case .null: node
        case .scalar: ConfigNode(.scalar(Secret.mask))
        case .sequence(let items): ConfigNode(.sequence(items.map(hidden)))
        case .mapping(let entries):
            ConfigNode(.mapping(entries.map { ConfigEntry(key: $0.key, value: hidden($0.value)) }))
        }
    }

    private static func isSecret(_ key: String) -> Bool {
        let key = key.lowercased()
        // Paths are no secrets, and headers may carry anything.
        if key.hasSuffix("_file") || key.hasSuffix("_path") { return false }
        return key == "headers" || key == "key" || secretWords.contains { key.contains($0) }
    }

    private static func hasUserInfo(_ text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return false }
        return text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }.contains("@")
    }
}
