package import CacheStore
package import ContentProxy
package import HTTPService
package import NodeConfig
import PeerEngine

/// The configuration of a node's daemon: `dfdaemon.yml`.
package struct DaemonConfiguration: Sendable, Configurable {
    /// The registry mirror and proxy.
    package var proxy = ListenerConfiguration(address: ListenAddress(.tcp(host: "127.0.0.1", port: 65001)))
    /// Health and metrics.
    package var health = ListenerConfiguration(address: ListenAddress(.tcp(host: "127.0.0.1", port: 65003)))
    /// The directory of the store and of the control socket `dfdaemon.sock`.
    package var home = "/var/lib/darter/dfdaemon"
    package var store = StoreConfiguration()
    package var node = PeerNodeConfiguration(pieces: ListenAddress(.tcp(host: "::", port: 65002)))
    package var mirror = MirrorConfiguration()
    /// What becomes of requests to the HTTP proxy, the first that matches; none: they pass straight.
    package var rules: [ForwardRule] = []
    /// Who may use the listener `proxy`, and for what.
    package var access = ProxyAccessConfiguration()
    /// Whose HTTPS is looked into.
    package var interception = InterceptionConfiguration()
    package var log = LogConfiguration()
    /// What the file has of Dragonfly 1's own keys.
    package private(set) var dragonfly = DragonflyKeys()

    package init() {
        // A container runtime waits for the first byte: it is there within a second of a supernode's death.
        node.peer.backToSourceDelay = .milliseconds(200)
    }

    /// The store as it is to be opened.
    package var place: StoreConfiguration {
        var place = store
        place.directory = home
        // Without a supernode nobody gets to know of this node.
        place.servesPieces = !node.supernodes.isEmpty
        return place
    }

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.section("proxy", &proxy)
        try fields.section("health", &health)
        try fields.value("home", &home)
        try fields.section("store", &store)
        try fields.section("registry_mirror", &mirror)
        try fields.sections("proxies", &rules) { ForwardRule() }
        try fields.section("proxy_access", &access)
        try fields.section("hijack_https", &interception)
        try node.bind(&fields)
        try fields.section("log", &log)
        var keys = DragonflyKeys()
        try fields.foreign { (fields) throws(ConfigError) in try keys.bind(&fields) }
        try keys.apply(to: &self, fields)
        dragonfly = keys
        let exposure = access.exposure(of: proxy.address)
        try fields.check("proxy", exposure == nil, exposure ?? "")
    }
}
