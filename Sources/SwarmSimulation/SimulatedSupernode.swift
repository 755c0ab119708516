package import NodeConfig

/// The supernode: its link, and what a call costs it.
package struct SimulatedSupernode: Sendable, Configurable {
    package var up = Rate(bytesPerSecond: 12_500_000)
    /// How many bodies of each task it sends at once; the scheduler seldom asks for as many.
    package var uploadSlots = 64
    /// How fast it gets the content from the origin; unlimited: it has it at the start.
    package var originRate = Rate.unlimited

    package var cores = 16
    /// What one call costs a core: its arrival and its answer together.
    package var callCost = Duration.microseconds(28)
    /// What each piece in a call or an answer costs besides.
    package var itemCost = Duration.microseconds(1)
    /// What each piece handed out costs under the task's lock, which only one core holds at a time.
    package var decisionCost = Duration.microseconds(5)
    /// A peer without a call for this long is taken out of its tasks.
    package var gap = Duration.seconds(6)

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("up", &up)
        try fields.check("up", up.bytesPerSecond != nil, "must be a limit")
        try fields.value("upload_slots", &uploadSlots)
        try fields.check("upload_slots", (1...1024).contains(uploadSlots), "must be from 1 to 1024")
        try fields.value("origin_rate", &originRate)
        try fields.value("cores", &cores)
        try fields.check("cores", (1...1024).contains(cores), "must be from 1 to 1024")
        try fields.value("call_cost", &callCost)
        try fields.value("item_cost", &itemCost)
        try fields.value("decision_cost", &decisionCost)
        try fields.value("gap", &gap)
    }
}
