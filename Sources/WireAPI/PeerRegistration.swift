package import Content

/// A peer introduces itself to a supernode: `POST /api/v1/peers`, with the cluster's token as Bearer authorization where one
/// is configured.
package struct PeerRegistrationRequest: Sendable, Hashable, Codable {
    /// The protocol versions that the peer speaks.
    package var versions: [Int]
    /// The port of its piece server; its address is the one the supernode sees, unless ``address`` is allowed.
    package var port: Int
    /// The address it would like to be known by (`--ip`); taken only within the supernode's `peers.networks`.
    package var address: String?
    /// A name for people: host name and process.
    package var name: String
    /// Where it stands: zone, rack, host.
    package var labels: [String: String]
    /// How many pieces it will upload at a time.
    package var uploadSlots: Int
    /// Whether its piece server speaks TLS.
    package var tls: Bool?

    package init(
        versions: [Int] = ProtocolVersion.supported,
        port: Int,
        address: String? = nil,
        name: String,
        labels: [String: String] = [:],
        uploadSlots: Int,
        tls: Bool? = nil
    ) {
        self.versions = versions
        self.port = port
        self.address = address
        self.name = name
        self.labels = labels
        self.uploadSlots = uploadSlots
        self.tls = tls
    }
}

/// What a registered peer is told.
package struct PeerRegistrationResponse: Sendable, Hashable, Codable {
    /// The protocol version to speak.
    package var version: Int
    /// The peer's identity at this supernode.
    package var peer: PeerID
    /// The peer's secret, 32 bytes in hex: Bearer authorization of its calls, and the key of the tickets it accepts.
    package var key: String
    /// The supernode's own identity as a parent.
    package var supernode: PeerID
    /// The port of the supernode's piece server, on the host that the peer knows the supernode by.
    package var piecesPort: Int
    /// Whether the supernode's piece server speaks TLS.
    package var piecesTLS: Bool?
    /// After so many seconds without a call the peer is forgotten.
    package var aliveSeconds: Double
    /// The address other peers are told.
    package var address: String

    package init(
        version: Int,
        peer: PeerID,
        key: String,
        supernode: PeerID,
        piecesPort: Int,
        piecesTLS: Bool? = nil,
        aliveSeconds: Double,
        address: String
    ) {
        self.version = version
        self.peer = peer
        self.key = key
        self.supernode = supernode
        self.piecesPort = piecesPort
        self.piecesTLS = piecesTLS
        self.aliveSeconds = aliveSeconds
        self.address = address
    }
}
