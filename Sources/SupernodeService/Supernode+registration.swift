import Content
import Logging
import PieceServer
import WireAPI

extension Supernode {
    /// Registers a peer that calls from `address`.
    func register(
        _ request: PeerRegistrationRequest,
        from address: String,
        token: String?,
        piecesPort: Int,
        piecesTLS: Bool = false
    ) throws(WireError) -> PeerRegistrationResponse {
        try authenticate(token)
        try refuseWhenStopping()
        guard let version = Set(request.versions).intersection(ProtocolVersion.supported).max() else {
            throw WireError(
                .unsupportedVersion,
                "no common protocol version: this supernode speaks \(ProtocolVersion.supported)"
            )
        }
        try request.check(configuration.bounds)
        guard let caller = IPAddress(address)?.unmapped else { throw WireError(.invalidRequest, "not called over IP") }
        let known = try peerAddress(request.address, observed: caller)
        let session = PeerSession(
            id: PeerID(),
            key: PeerKey(),
            name: request.name,
            caller: caller,
            node: NodeAddress(ip: known, port: request.port),
            speaksTLS: request.tls == true,
            labels: request.labels,
            uploadSlots: request.uploadSlots,
            clock: clock
        )
        guard peers.add(session, most: configuration.bounds.peers) else {
            throw WireError(.busy, "as many peers are registered as this supernode can take")
        }
        logger.info(
            "peer registered",
            metadata: ["peer": "\(session.id)", "name": "\(session.name)", "url": "\(session.url)"]
        )
        return PeerRegistrationResponse(
            version: version,
            peer: session.id,
            key: session.key.reveal(),
            supernode: seed.id,
            piecesPort: piecesPort,
            piecesTLS: piecesTLS,
            aliveSeconds: configuration.aliveTime.seconds,
            address: "\(known)"
        )
    }

    /// Only who knows the cluster's token gets in, where there is one.
    func authenticate(_ token: String?) throws(WireError) {
        guard let clusterToken else { return }
        guard let token, clusterToken.matches(token) else {
            throw WireError(.unauthenticated, "the cluster's token is missing or wrong; see cluster.token_file")
        }
    }

    /// A peer is reached where it calls from, unless it names an address that the configuration trusts.
    private func peerAddress(_ named: String?, observed: IPAddress) throws(WireError) -> IPAddress {
        guard let named else { return observed }
        guard let address = IPAddress(named)?.unmapped else {
            throw WireError(.invalidRequest, "the address to be known by is no IP address")
        }
        guard address != observed else { return observed }
        guard configuration.networks.contains(where: { $0.contains(address) }) else {
            throw WireError(.invalidRequest, "the address \(named) is not within the supernode's peers.networks")
        }
        return address
    }
}
