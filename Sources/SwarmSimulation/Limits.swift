package import NodeConfig

/// What must hold at the end; nil: anything does.
package struct Limits: Sendable, Configurable {
    /// Seconds from a peer's arrival to its end.
    package var mean: Double?
    package var p50: Double?
    package var p99: Double?
    package var p999: Double?
    /// The last one's end over the Kumar-Ross bound.
    package var ratio: Double?
    /// The longest time of a full-rate honest peer over its bound with the others' upload gone.
    package var fullRateRatio: Double?
    /// The longest time of a peer over what its own link takes.
    package var ownRatio: Double?
    /// Bytes over the content's size.
    package var originCopies: Double?
    package var supernodeCopies: Double?
    package var crossCopies: Double?

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        for (key, path) in Self.keys { try fields.optional(key, &self[keyPath: path]) }
    }

    private static var keys: [(String, WritableKeyPath<Limits, Double?>)] {
        [
            ("mean_seconds", \.mean), ("p50_seconds", \.p50), ("p99_seconds", \.p99), ("p999_seconds", \.p999),
            ("ratio", \.ratio), ("full_rate_ratio", \.fullRateRatio), ("own_ratio", \.ownRatio),
            ("origin_copies", \.originCopies), ("supernode_copies", \.supernodeCopies), ("cross_copies", \.crossCopies),
        ]
    }

    /// Every limit that is set, by its key.
    package var all: [String: Double] {
        Dictionary(uniqueKeysWithValues: Self.keys.compactMap { key, path in self[keyPath: path].map { (key, $0) } })
    }

    func overridden(by other: Limits) -> Limits {
        var result = self
        for (_, path) in Self.keys { result[keyPath: path] = other[keyPath: path] ?? result[keyPath: path] }
        return result
    }
}
