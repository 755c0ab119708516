package import NodeConfig

/// A scenario's other size.
package struct Variant: Sendable, Configurable {
    package var peers: Int?
    package var pieces: Int?
    package var limits = Limits()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("peers", &peers)
        try fields.check("peers", peers.map { (1...100_000).contains($0) } ?? true, "must be from 1 to 100000")
        try fields.optional("pieces", &pieces)
        try fields.check("pieces", pieces.map { (1...65536).contains($0) } ?? true, "must be from 1 to 65536")
        try fields.section("limits", &limits)
    }
}
