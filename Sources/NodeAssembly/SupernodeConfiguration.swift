package import BackendAPI
package import CacheStore
package import HTTPService
package import NodeConfig
package import SupernodeService

/// The configuration of a supernode: `supernode.yml`.
package struct SupernodeConfiguration: Sendable, Configurable {
    /// The API, health and metrics.
    package var api = ListenerConfiguration(address: ListenAddress(.tcp(host: "::", port: 8002)))
    /// The piece server.
    package var pieces = ListenerConfiguration(address: ListenAddress(.tcp(host: "::", port: 8001)))
    /// The directory of the store.
    package var home = "/var/lib/darter/supernode"
    package var store = StoreConfiguration()
    package var peers = PeerConfiguration()
    package var origin = OriginConfiguration()
    package var limits = LimitConfiguration()
    package var cluster = ClusterConfiguration()
    package var log = LogConfiguration()
    package var backends: [BackendEntry] = []

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.section("api", &api)
        try fields.section("pieces", &pieces)
        try fields.checkReachable("pieces", pieces)
        try fields.value("home", &home)
        try fields.section("store", &store)
        try fields.section("peers", &peers)
        try fields.map("labels", &peers.labels)
        try fields.section("origin", &origin)
        try fields.section("limits", &limits)
        try fields.section("cluster", &cluster)
        try fields.section("log", &log)
        try fields.sections("backends", &backends) { BackendEntry() }
    }
}
