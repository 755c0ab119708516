package import NodeConfig
package import SwarmScheduling

/// What the scheduler is told to do differently.
package struct SchedulerSettings: Sendable, Configurable {
    package var configuration = SchedulerConfiguration()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("peer_slots", &configuration.peerSlots)
        try fields.value("seed_slots", &configuration.seedSlots)
        try fields.value("seed_start", &configuration.seedStart)
        try fields.value("seed_repeat_line", &configuration.seedRepeatLine)
        try fields.value("slow_factor", &configuration.slowFactor)
        try fields.value("endgame_factor", &configuration.endgameFactor)
        try fields.value("least_patience", &configuration.leastPatience)
    }
}
