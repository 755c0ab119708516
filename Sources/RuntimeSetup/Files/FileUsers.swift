/// The runtimes that a file was configured for, each with the registries that it was to pull through the mirror.
struct FileUsers: Sendable, Hashable, Codable {
    private var registries: [String: Set<String>] = [:]

    init() {}

    init(from decoder: any Decoder) throws {
        registries = try decoder.singleValueContainer().decode([String: Set<String>].self)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(registries.mapValues { $0.sorted() })
    }

    var isEmpty: Bool { registries.isEmpty }

    /// In a fixed order.
    var names: [String] { registries.keys.sorted() }

    /// What one or the other of them wants.
    var all: Set<String> { registries.values.reduce(into: []) { $0.formUnion($1) } }

    mutating func add(_ names: [RegistryName], for runtime: RuntimeName) {
        registries[runtime.rawValue, default: []].formUnion(names.map(\.text))
    }

    mutating func remove(_ runtime: RuntimeName) { registries[runtime.rawValue] = nil }
}
