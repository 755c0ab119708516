import HTTPService
package import NodeAssembly
package import NodeConfig

/// The configuration of dfget: `dfget.yml`; flags win over it.
package struct ToolConfiguration: Sendable, Configurable {
    /// Where a dfdaemon of this machine has its control socket, `dfdaemon.sock`.
    package var home = "/var/lib/darter/dfdaemon"
    /// What makes a node of a dfget without a daemon.
    package var node: PeerNodeConfiguration
    /// How long a finished download is offered to others while nobody asks for it; 0: not at all.
    package var aliveTime = Duration.seconds(300)
    /// The address to be known by, where supernodes allow that.
    package var ip: String?
    /// What one process receives and sends together.
    package var totalLimit = Rate.unlimited
    package var tls = TLS()

    /// How origins are verified: the `tls:` section.
    package struct TLS: Sendable, Configurable {
        /// Certificate authorities to trust besides the system's.
        package var caFile: String?
        /// Take whatever certificate an origin shows; supernodes always are verified.
        package var insecure = false

        package init() {}

        package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
            try fields.optional("ca_file", &caFile)
            try fields.checkCertificates("ca_file", caFile)
            try fields.value("insecure", &insecure)
        }
    }

    package init() {
        node = PeerNodeConfiguration(pieces: ListenAddress(.tcp(host: "::", port: 0)))
        node.pieces.accessLog = false
        node.pieces.drain = .milliseconds(500)
    }

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("home", &home)
        try fields.value("alive_time", &aliveTime)
        try fields.optional("ip", &ip)
        try fields.value("total_limit", &totalLimit)
        try fields.section("tls", &tls)
        try node.bind(&fields)
    }

    /// What one download may receive, in bytes a second; nil for no limit.
    var slowestDownload: Int64? {
        [totalLimit, node.limits.total.download, node.limits.task.download].compactMap(\.bytesPerSecond).min()
    }

    /// The control socket of this machine's dfdaemon.
    package var socket: String { "\(home)/dfdaemon.sock" }

    /// Where the configuration is read from if it is there and no other is named.
    package static let usualPath = "/etc/darter/dfget.yml"
}
