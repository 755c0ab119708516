package import CurlTransport

extension PeerEngine.Links {
    /// Links to supernodes and to their peers: the cluster's own, which may be anywhere, and no proxy stands between.
    ///
    /// `limits`: of the pieces that are fetched.
    package init(transport: CurlTransport, supernodeCAFile: String?, limits: [RateLimiter]) {
        var supernode = TransferOptions()
        supernode.addresses = .any
        supernode.proxy = .none
        supernode.followRedirects = false
        supernode.connectTimeout = .seconds(3)
        supernode.lowSpeed = nil
        supernode.tls.caFile = supernodeCAFile
        var pieces = supernode
        pieces.lowSpeed = LowSpeedLimit(bytesPerSecond: 1 << 10, for: .seconds(10))
        pieces.rateLimits = limits
        self.init(transport: transport, supernode: supernode, pieces: pieces)
    }
}
