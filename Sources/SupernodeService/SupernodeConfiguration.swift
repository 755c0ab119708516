package import Content
package import NodeConfig
package import SwarmScheduling

/// How a supernode treats its peers: the `peers:` section.
package struct PeerConfiguration: Sendable, Configurable {
    /// A peer that does not call for this long is forgotten.
    package var aliveTime = Duration.seconds(60)
    /// Networks within which a peer may name its own address; otherwise it is known by the address it calls from.
    package var networks: [NetworkPrefix] = []
    /// How long a ticket for a parent's pieces is good.
    package var ticketTime = Duration.seconds(3600)
    /// How long the origin's word that some credentials may have some content is believed.
    package var permissionTime = Duration.seconds(60)
    /// The same while the origin can not be reached; 0 for not at all.
    package var permissionStale = Duration.seconds(3600)
    /// The most pieces that the supernode itself has under way to peers, for each task.
    package var seedSlots = 16

    /// Where the supernode itself stands, from its own section.
    package var labels: [String: String] = [:]
    /// How pieces are handed out; not a matter of configuration.
    package var scheduler = SchedulerConfiguration()
    /// What clients can make the supernode remember; not a matter of configuration.
    package var bounds = Bounds()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("alive_time", &aliveTime)
        try fields.check("alive_time", aliveTime >= .seconds(1), "must be at least 1s")
        try fields.list("networks", &networks)
        try fields.value("ticket_time", &ticketTime)
        try fields.check("ticket_time", ticketTime >= .seconds(60), "must be at least 1m")
        try fields.value("permission_time", &permissionTime)
        try fields.value("permission_stale", &permissionStale)
        try fields.value("seed_slots", &seedSlots)
        try fields.check("seed_slots", (1...1024).contains(seedSlots), "must be from 1 to 1024")
    }
}
