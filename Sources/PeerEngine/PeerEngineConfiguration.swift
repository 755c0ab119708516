package import NodeConfig

/// How a node downloads and uploads: the `peer:` section.
package struct PeerEngineConfiguration: Sendable, Configurable {
    /// The most pieces that one download has under way at a time: as many as fill the link, and those about to end.
    package var window = 16
    /// The pieces that the node uploads of one task at a time; who asks for more waits in line.
    package var uploadSlots = 2
    /// Where the node stands: zone, rack, host.
    package var labels: [String: String] = [:]
    /// Send credentials for origins to a supernode over plain HTTP that is not on this machine.
    package var allowPlainCredentials = false
    /// Whether a node may go to the origin itself when every supernode fails.
    package var backToSource = true
    /// The longest random delay before it does, so that a dead supernode is no stampede.
    package var backToSourceDelay = Duration.seconds(2)
    /// A supernode that does not answer for this long is given up for the next one.
    package var failover = Duration.seconds(3)
    /// How long a supernode that was given up is left alone; how often one that said nothing is asked whether it is there again.
    package var retrySupernode = Duration.seconds(10)
    /// How long a download that has begun and has no other way waits for a supernode to answer again.
    package var patience = Duration.seconds(60)
    /// How long the origin's word that some credentials may have some content is believed.
    package var permissionTime = Duration.seconds(60)
    /// The same while the origin can not be reached; 0 for not at all.
    package var permissionStale = Duration.seconds(3600)

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("window", &window)
        try fields.check("window", (2...64).contains(window), "must be from 2 to 64")
        try fields.value("upload_slots", &uploadSlots)
        try fields.check("upload_slots", (1...1024).contains(uploadSlots), "must be from 1 to 1024")
        try fields.map("labels", &labels)
        try fields.value("allow_plain_credentials", &allowPlainCredentials)
        try fields.value("back_to_source", &backToSource)
        try fields.value("back_to_source_delay", &backToSourceDelay)
        try fields.value("failover", &failover)
        try fields.value("retry_supernode", &retrySupernode)
        try fields.value("patience", &patience)
        try fields.value("permission_time", &permissionTime)
        try fields.value("permission_stale", &permissionStale)
    }
}

extension PeerEngineConfiguration {
    /// How long a supernode may say nothing while a client waits for it: it answers a small question at once, however busy it
    /// is with large ones.
    var silence: Duration { max(failover / 4, min(failover, .milliseconds(750))) }
}
