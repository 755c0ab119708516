package import NodeConfig

/// What lies between the hosts.
package struct SimulatedNetwork: Sendable, Configurable {
    /// From one host to another, one way.
    package var latency = Duration.microseconds(250)
    /// Hosts are dealt out to so many zones; the supernode is in the first.
    package var zones = 1
    /// Between each two zones, in each direction.
    package var crossRate = Rate.unlimited
    /// Added between two zones, one way.
    package var crossLatency = Duration.zero

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("latency", &latency)
        try fields.value("zones", &zones)
        try fields.check("zones", (1...64).contains(zones), "must be from 1 to 64")
        try fields.value("cross_rate", &crossRate)
        try fields.value("cross_latency", &crossLatency)
    }
}
