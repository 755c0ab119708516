package import BackendAPI
package import CacheStore
package import CurlTransport
package import HTTPService
import Hummingbird
package import Logging
package import NodeConfig
import OriginFetch
package import PeerEngine
import PieceServer
package import RateLimiting

/// What a node that downloads is made of: part of the configuration of dfdaemon and of dfget.
package struct PeerNodeConfiguration: Sendable, Configurable {
    /// The supernodes, each with its share of the tasks; none: everything comes from the origins.
    package var supernodes: [SupernodeAddress] = []
    /// The piece server.
    package var pieces: ListenerConfiguration
    package var peer = PeerEngineConfiguration()
    package var origin = OriginConfiguration()
    package var limits = LimitConfiguration()
    package var cluster = ClusterConfiguration()
    package var backends: [BackendEntry] = []
    /// The authority that signed the certificates of supernodes and of other nodes' piece servers; none: the system's.
    package var supernodeCAFile: String?

    /// `pieces`: where the piece server listens.
    package init(pieces: ListenAddress) {
        self.pieces = ListenerConfiguration(address: pieces)
    }

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.list("supernodes", &supernodes)
        try fields.optional("supernode_ca_file", &supernodeCAFile)
        try fields.checkCertificates("supernode_ca_file", supernodeCAFile)
        try fields.section("pieces", &pieces)
        try fields.checkReachable("pieces", pieces)
        try fields.section("peer", &peer)
        try fields.section("origin", &origin)
        try fields.section("limits", &limits)
        try fields.section("cluster", &cluster)
        try fields.sections("backends", &backends) { BackendEntry() }
    }
}

extension PeerNodeConfiguration {
    /// What the node talks to supernodes and other nodes with.
    ///
    /// They are the cluster's own: they may be anywhere, and no proxy stands between. To those that want to see a
    /// certificate the node shows its piece server's.
    package func links(_ transport: CurlTransport, limits: NodeLimits) -> PeerEngine.Links {
        var supernode = TransferOptions()
        supernode.addresses = .any
        supernode.proxy = .none
        supernode.followRedirects = false
        supernode.connectTimeout = .seconds(3)
        supernode.lowSpeed = nil
        supernode.tls.caFile = supernodeCAFile
        supernode.tls.clientCertificate = pieces.tls?.certificate
        supernode.tls.clientKey = pieces.tls?.key
        var pieces = supernode
        pieces.lowSpeed = LowSpeedLimit(bytesPerSecond: 1 << 10, for: .seconds(10))
        return PeerEngine.Links(transport: transport, supernode: supernode, pieces: pieces, limits: limits)
    }
}

/// The engine of a node with what it stands on and its piece server.
package struct PeerNode: Sendable {
    package let engine: PeerEngine
    package let transport: CurlTransport
    /// For requests that are passed on to origins as they are.
    package let relayOptions: TransferOptions
    package let backends: BackendRegistry
    /// The piece server; once it is bound, ``NodeIdentity/listens(at:)`` is to be called.
    package let pieces: HTTPListener

    /// `store`: where downloads go that have no destination of their own.
    ///
    /// `name` and `address` are what supernodes are told of the node.
    ///
    /// `tlsOfPlace`: how single origins are spoken to, where their backend's entry says nothing of that.
    package init(
        _ configuration: PeerNodeConfiguration,
        name: String,
        address: String? = nil,
        store: CacheStore?,
        tlsOfPlace: (@Sendable (_ host: String, _ port: Int) -> TLSOptions?)? = nil,
        logger: Logger,
        plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin]
    ) throws(ConfigError) {
        let transport = CurlTransport(logger: logger)
        let limits = configuration.limits.limits()
        var options = TransferOptions()
        options.addresses = configuration.origin.addresses
        let hosts = HostLimits(configuration.origin.hostLimit)
        var own = options
        own.tlsOfPlace = tlsOfPlace
        backends = try BackendRegistry.of(own, configuration.backends, hosts) { options in
            plugins(PluginEnvironment(transport: transport, options: options, logger: logger))
        }
        engine = PeerEngine(
            configuration.peer,
            supernodes: configuration.supernodes,
            identity: NodeIdentity(name: name, address: address, speaksTLS: configuration.pieces.tls != nil),
            links: configuration.links(transport, limits: limits),
            backends: backends,
            origin: configuration.origin.fetch,
            store: store,
            clusterToken: try NodeProcess.token(configuration.cluster),
            logger: logger
        )
        self.transport = transport
        options.rateLimits = limits.relays
        relayOptions = options
        let router = ListenerRouters.pieces(
            PieceRoutes(
                source: engine,
                limits: limits,
                slots: UploadSlots(perTask: configuration.peer.uploadSlots),
                now: UnixTime.now
            )
        )
        pieces = HTTPListener(
            name: "pieces",
            configuration: configuration.pieces,
            responder: router.buildResponder(),
            logger: logger
        )
    }
}
