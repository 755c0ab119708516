package import BackendAPI
import Content
import CurlTransport
import FoundationEssentials
package import NodeConfig
package import OriginFetch
package import PeerEngine

/// The configuration of dfget: `dfget.yml`; flags win over it.
package struct ToolConfiguration: Sendable, Configurable {
    /// Where a dfdaemon of this machine has its control socket, `dfdaemon.sock`.
    package var home = "/var/lib/darter/dfdaemon"
    package var supernodes: [SupernodeAddress] = []
    /// How long a finished download is offered to others while nobody asks for it; 0: not at all.
    package var aliveTime = Duration.seconds(300)
    /// The address to be known by, where supernodes allow that.
    package var ip: String?
    /// The port of the piece server; 0: a free one.
    package var port = 0
    package var peer = PeerEngineConfiguration()
    package var origin = OriginFetchConfiguration()
    package var allowAddresses: [NetworkPrefix] = []
    package var limits = Limits()
    package var tls = TLS()
    package var cluster = Cluster()
    package var backends: [BackendEntry] = []

    /// The `limits:` section.
    package struct Limits: Sendable, Configurable {
        /// One download.
        package var download = Rate.unlimited
        /// What this process receives and sends together.
        package var total = Rate.unlimited

        package init() {}

        package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
            try fields.value("download", &download)
            try fields.value("total", &total)
        }
    }

    /// The `tls:` section.
    package struct TLS: Sendable, Configurable {
        /// Certificate authorities to trust besides the system's.
        package var caFile: String?
        /// Do not verify origins; supernodes always are.
        package var insecure = false

        package init() {}

        package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
            try fields.optional("ca_file", &caFile)
            try fields.value("insecure", &insecure)
        }
    }

    /// The `cluster:` section.
    package struct Cluster: Sendable, Configurable {
        /// A file whose first line is the secret that supernodes want to see.
        package var tokenFile: String?

        package init() {}

        package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
            try fields.optional("token_file", &tokenFile)
        }
    }

    /// The `origin:` section.
    private struct Origin: Configurable {
        var fetch: OriginFetchConfiguration
        var allowAddresses: [NetworkPrefix]

        mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
            try fetch.bind(&fields)
            try fields.list("allow_addresses", &allowAddresses)
        }
    }

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("home", &home)
        try fields.list("supernodes", &supernodes)
        try fields.value("alive_time", &aliveTime)
        try fields.optional("ip", &ip)
        try fields.value("port", &port)
        try fields.check("port", (0...65535).contains(port), "must be from 0 to 65535")
        try fields.section("peer", &peer)
        var origin = Origin(fetch: self.origin, allowAddresses: allowAddresses)
        try fields.section("origin", &origin)
        self.origin = origin.fetch
        allowAddresses = origin.allowAddresses
        try fields.section("limits", &limits)
        try fields.section("tls", &tls)
        try fields.section("cluster", &cluster)
        try fields.sections("backends", &backends) { BackendEntry() }
    }

    /// The control socket of this machine's dfdaemon.
    package var socket: String { "\(home)/dfdaemon.sock" }

    /// Where the configuration is read from if it is there and no other is named.
    package static let usualPath = "/etc/darter/dfget.yml"

    /// The cluster's secret.
    func token() throws(ToolFailure) -> String? {
        guard let path = cluster.tokenFile else { return nil }
        let data = FileManager.default.contents(atPath: path)
        guard let line = data.map({ String(decoding: $0, as: UTF8.self).prefix { !$0.isNewline } }), !line.isEmpty
        else { throw ToolFailure(.usage, "cluster.token_file: \(path) can not be read, or is empty") }
        return String(line)
    }
}
