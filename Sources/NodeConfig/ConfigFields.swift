internal import Glibc

/// A visitor of a configuration's fields, either reading a YAML mapping into them or collecting them for printing.
///
/// See ``Configurable``.
public struct ConfigFields {
    private let place: ConfigPlace
    /// The line of the mapping itself, for what is wrong with a key that is not there.
    private let line: Int?
    /// The mapping that is read; nil while printing.
    private let entries: [String: ConfigEntry]?
    private let order: [String]
    private var visited: [String] = []
    private var foreignKeys: Set<String> = []
    private var takesRest = false
    private var printed: [ConfigEntry] = []

    private init(place: ConfigPlace, line: Int?, entries: [ConfigEntry]?) {
        self.place = place
        self.line = line
        self.entries = entries.map { entries in
            Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
        }
        order = entries?.map(\.key) ?? []
    }

    /// Reads a mapping into `value`; `.null` leaves every default.
    static func read(
        _ node: ConfigNode,
        at place: ConfigPlace,
        into value: inout some Configurable
    ) throws(ConfigError) {
        var fields: ConfigFields
        switch node.kind {
        case .null: fields = ConfigFields(place: place, line: node.line, entries: [])
        case .mapping(let entries): fields = ConfigFields(place: place, line: node.line, entries: entries)
        default: throw place.error(line: node.line, "expected keys and values\(place.suffix), found \(node.found)")
        }
        var copy = value
        try copy.bind(&fields)
        try fields.refuseUnknown()
        value = copy
    }

    /// The fields of `value` as a mapping.
    static func print(_ value: some Configurable) -> ConfigNode {
        var fields = ConfigFields(place: ConfigPlace(file: nil, path: ""), line: nil, entries: nil)
        var copy = value
        // While printing nothing is parsed or checked, so nothing is thrown.
        try? copy.bind(&fields)
        return ConfigNode(.mapping(fields.printed))
    }

    /// A scalar; a missing key leaves the value.
    public mutating func value<V: ConfigValue>(_ key: String, _ value: inout V) throws(ConfigError) {
        guard let entry = visit(key, printing: .scalar(value.configText)) else { return }
        value = try parse(entry.value, line: entry.line, what: "'\(key)'")
    }

    /// A scalar or nothing: `null` sets nil, a missing key leaves the value.
    public mutating func optional<V: ConfigValue>(_ key: String, _ value: inout V?) throws(ConfigError) {
        guard let entry = visit(key, printing: value.map { .scalar($0.configText) } ?? .null) else { return }
        if case .null = entry.value.kind {
            value = nil
        } else {
            value = try parse(entry.value, line: entry.line, what: "'\(key)'")
        }
    }

    /// A secret or nothing; printed as `(set)`, which is refused when read.
    public mutating func secret(_ key: String, _ value: inout Secret?) throws(ConfigError) {
        try optional(key, &value)
    }

    /// A list of scalars, replacing the default; a missing key leaves it.
    public mutating func list<V: ConfigValue>(_ key: String, _ value: inout [V]) throws(ConfigError) {
        guard let entry = visit(key, printing: .sequence(value.map { ConfigNode(.scalar($0.configText)) }))
        else { return }
        value = try items(entry)
    }

    /// A scalar or a sequence of scalars, replacing the default; `null` is none, a missing key leaves it.
    public mutating func oneOrMore<V: ConfigValue>(_ key: String, _ value: inout [V]) throws(ConfigError) {
        let texts = value.map { ConfigNode(.scalar($0.configText)) }
        let shown: ConfigNode.Kind = texts.count > 1 ? .sequence(texts) : texts.first?.kind ?? .null
        guard let entry = visit(key, printing: shown) else { return }
        if case .scalar = entry.value.kind {
            value = [try parse(entry.value, line: entry.line, what: "'\(key)'")]
        } else {
            value = try items(entry)
        }
    }

    private func items<V: ConfigValue>(_ entry: ConfigEntry) throws(ConfigError) -> [V] {
        var items: [V] = []
        for item in try sequence(entry, of: V.expectation) {
            items.append(try parse(item, line: item.line ?? entry.line, what: "'\(entry.key)'"))
        }
        return items
    }

    /// A mapping of free keys to scalars, replacing the default; a missing key leaves it.
    public mutating func map<V: ConfigValue>(_ key: String, _ value: inout [String: V]) throws(ConfigError) {
        let sorted = value.sorted { $0.key < $1.key }
        let shown = sorted.map { ConfigEntry(key: $0.key, value: ConfigNode(.scalar($0.value.configText))) }
        guard let entry = visit(key, printing: .mapping(shown)) else { return }
        var result: [String: V] = [:]
        switch entry.value.kind {
        case .null: break
        case .mapping(let entries):
            for item in entries {
                result[item.key] = try parse(item.value, line: item.line, what: "'\(item.key)' in '\(key)'")
            }
        default:
            throw error(key, "'\(key)' must be keys with \(V.expectation) each, found \(entry.value.found)")
        }
        value = result
    }

    /// A part of the configuration that visits its own fields.
    public mutating func section<S: Configurable>(_ key: String, _ section: inout S) throws(ConfigError) {
        guard let entry = visit(key, printing: { ConfigFields.print(section).kind }) else { return }
        try ConfigFields.read(entry.value, at: place.inside(key), into: &section)
    }

    /// A list of parts, each starting from `new()`, replacing the default; a missing key leaves it.
    public mutating func sections<S: Configurable>(
        _ key: String,
        _ sections: inout [S],
        new: () -> S
    ) throws(ConfigError) {
        guard let entry = visit(key, printing: { .sequence(sections.map { ConfigFields.print($0) }) }) else { return }
        var result: [S] = []
        for (index, item) in try sequence(entry, of: "keys and values").enumerated() {
            var section = new()
            try ConfigFields.read(item, at: place.inside(key, index), into: &section)
            result.append(section)
        }
        sections = result
    }

    /// A subtree kept for somebody else; `null` sets nil, a missing key leaves the value.
    public mutating func raw(_ key: String, _ value: inout RawConfig?) throws(ConfigError) {
        guard let entry = visit(key, printing: value?.maskedNode.kind ?? .null) else { return }
        if case .null = entry.value.kind {
            value = nil
        } else {
            value = RawConfig(node: entry.value, place: place.inside(key))
        }
    }

    /// All keys of this mapping that were not visited before, kept for somebody else, so that they are not unknown
    /// here.
    ///
    /// To be called last.
    public mutating func rest(_ value: inout RawConfig) {
        guard let entries else {
            if case .mapping(let others) = value.maskedNode.kind { printed += others }
            return
        }
        takesRest = true
        let others = order.filter { !visited.contains($0) }.compactMap { entries[$0] }
        value = RawConfig(node: ConfigNode(.mapping(others), line: line), place: place)
    }

    /// Keys that another program's configuration of the same kind may have: they are read where they are there, and never
    /// printed, since what they say is said by keys of our own.
    public mutating func foreign(
        _ read: (inout ConfigFields) throws(ConfigError) -> Void
    ) throws(ConfigError) {
        guard entries != nil else { return }
        let own = visited.count
        try read(&self)
        foreignKeys.formUnion(visited[own...])
    }

    /// Whether there is such a key; false while printing.
    public func isGiven(_ key: String) -> Bool { entries?[key] != nil }

    /// Refuses a value: an error that names file and line of `key` unless `condition` holds.
    ///
    /// Does nothing while printing.
    public func check(_ key: String, _ condition: Bool, _ message: String) throws(ConfigError) {
        guard entries != nil, !condition else { return }
        throw error(key, "'\(key)'\(place.suffix) \(message)")
    }

    /// Refuses the name of a file that can not be read; nil names none.
    ///
    /// Does nothing while printing.
    public func checkReadable(_ key: String, _ path: String?) throws(ConfigError) {
        guard let path else { return }
        try check(key, access(path, R_OK) == 0, "can not be read: \(path)")
    }

    /// An error at the place of `key`, or of the whole mapping if it is not there.
    public func error(_ key: String, _ message: String) -> ConfigError {
        place.error(line: entries?[key]?.line ?? line, message)
    }

    private mutating func visit(_ key: String, printing kind: @autoclosure () -> ConfigNode.Kind) -> ConfigEntry? {
        visit(key, printing: kind)
    }

    /// The entry to be read, or nil for nothing to do.
    private mutating func visit(_ key: String, printing kind: () -> ConfigNode.Kind) -> ConfigEntry? {
        guard let entries else {
            printed.append(ConfigEntry(key: key, value: ConfigNode(kind())))
            return nil
        }
        visited.append(key)
        return entries[key]
    }

    private func parse<V: ConfigValue>(_ node: ConfigNode, line: Int?, what: String) throws(ConfigError) -> V {
        guard case .scalar(let text) = node.kind, let value = V(configText: text) else {
            throw place.error(line: line, "\(what)\(place.suffix) must be \(V.expectation), found \(node.found)")
        }
        return value
    }

    private func sequence(_ entry: ConfigEntry, of what: String) throws(ConfigError) -> [ConfigNode] {
        switch entry.value.kind {
        case .null: return []
        case .sequence(let items): return items
        default:
            throw place.error(
                line: entry.line,
                "'\(entry.key)'\(place.suffix) must be a list, each \(what), found \(entry.value.found)"
            )
        }
    }

    private func refuseUnknown() throws(ConfigError) {
        guard !takesRest, let entries, let unknown = order.first(where: { !visited.contains($0) }) else { return }
        let hint =
            nearest(to: unknown, among: visited.filter { !foreignKeys.contains($0) }).map { " (did you mean '\($0)'?)" }
            ?? ""
        throw place.error(line: entries[unknown]?.line, "unknown key '\(unknown)'\(place.suffix)\(hint)")
    }
}
