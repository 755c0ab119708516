import Content
package import NodeConfig

/// What is to be simulated: hosts, links, content, and what has to come of it.
package struct Scenario: Sendable, Configurable {
    package var name = ""
    /// What it stands for.
    package var about = ""
    package var seed = 1
    package var tasks = [SimulatedTask()]
    package var peers = SimulatedPeers()
    package var supernode = SimulatedSupernode()
    package var network = SimulatedNetwork()
    package var scheduler = SchedulerSettings()
    package var limits = Limits()
    /// The same with other sizes.
    package var variants: [Variant] = []

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("name", &name)
        try fields.value("about", &about)
        try fields.value("seed", &seed)
        try fields.check("seed", seed >= 0, "must not be negative")
        try fields.sections("tasks", &tasks) { SimulatedTask() }
        try fields.check("tasks", !tasks.isEmpty, "must name one at least")
        try fields.section("peers", &peers)
        try fields.section("supernode", &supernode)
        try fields.section("network", &network)
        try fields.section("scheduler", &scheduler)
        try fields.section("limits", &limits)
        try fields.sections("variants", &variants) { Variant() }
    }

    /// Reads a file.
    package static func load(path: String) throws(ConfigError) -> Scenario {
        var scenario = Scenario()
        try ConfigFile.load(path: path, into: &scenario)
        if scenario.name.isEmpty { throw ConfigError(file: path, message: "has no 'name'") }
        return scenario
    }

    /// What is to be run: the scenario with each of its variants, or itself where it has none.
    package var runs: [Scenario] {
        guard !variants.isEmpty else { return [self] }
        return variants.map { variant in
            var run = self
            run.variants = []
            if let peers = variant.peers {
                run.peers.count = peers
                run.name += " N=\(peers)"
            }
            if let pieces = variant.pieces {
                for index in run.tasks.indices {
                    // Pieces of one size: more of them are more content.
                    let size = run.tasks[index].pieceSize
                    run.tasks[index].size = ByteCount(bytes: Int64(size * Double(pieces)))
                    run.tasks[index].pieces = pieces
                }
                run.name += " M=\(pieces)"
            }
            run.limits = run.limits.overridden(by: variant.limits)
            return run
        }
    }
}
