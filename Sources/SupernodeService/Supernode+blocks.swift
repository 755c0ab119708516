import Content
import Logging
import WireAPI

/// Nodes that somebody who runs the cluster takes out, and takes back.
extension Supernode {
    /// Nobody is given the node as a parent from now on, whatever it registers as; it may go on fetching.
    ///
    /// `name`: a peer's identity, or the address of a node's pieces.
    func block(_ name: String, _ request: BlockRequest) throws(WireError) -> BlockListing {
        let node = try node(name)
        guard request.reason.map({ PeerRegistrationRequest.isLine($0, configuration.bounds.text) }) ?? true else {
            throw WireError(
                .invalidRequest,
                "the reason is longer than \(configuration.bounds.text) bytes or not one line"
            )
        }
        let block = BlockList.Block(reason: request.reason, since: clock.now())
        guard let isNew = blocks.add(node, block, most: configuration.bounds.blocks) else {
            throw WireError(.busy, "as many nodes are blocked as this supernode can remember; unblock some")
        }
        if isNew {
            logger.notice(
                "node blocked until it is unblocked or this supernode ends",
                metadata: ["node": "\(node)", "reason": "\(request.reason ?? "")"]
            )
        }
        tellTasks(of: node)
        return listing(of: node, blocks.all[node] ?? block)
    }

    /// Others may be given the node again.
    func unblock(_ name: String) throws(WireError) {
        let node = try node(name)
        guard blocks.remove(node) else { return }
        logger.notice("node unblocked", metadata: ["node": "\(node)"])
        tellTasks(of: node)
    }

    /// The blocked nodes, those that are not registered now among them.
    var blockListings: [BlockListing] {
        blocks.all.map { listing(of: $0.key, $0.value) }.sorted { $0.address < $1.address }
    }

    /// Who takes nodes out has to know the cluster's token, or, where there is none, to call from this machine.
    func authorize(_ token: String?, from address: String?) throws(WireError) {
        guard clusterToken == nil else { return try authenticate(token) }
        guard let address = address.flatMap({ IPAddress($0) }),
            NetworkPrefix.loopback.contains(where: { $0.contains(address) })
        else {
            throw WireError(
                .forbidden,
                "without a cluster.token_file nodes are blocked and unblocked only from the supernode's own machine"
            )
        }
    }

    private func node(_ name: String) throws(WireError) -> NodeAddress {
        if let node = NodeAddress(ResourceURL.percentDecoded(name) ?? name) { return node }
        guard let peer = PeerID(name) else {
            throw WireError(
                .invalidRequest,
                "'\(name.prefix(64))' is neither a peer's identity nor the ip:port of a node's pieces"
            )
        }
        guard let session = peers.session(peer) else {
            throw WireError(
                .unknownPeer,
                "no such peer is registered; a node can be named by the ip:port of its pieces"
            )
        }
        return session.node
    }

    /// Every task looks at the list itself, so it does not matter in which order changes get there.
    private func tellTasks(of node: NodeAddress) {
        for session in peers.all where session.node == node {
            for task in session.takenPart { task.heedBlocks(of: session) }
        }
    }

    private func listing(of node: NodeAddress, _ block: BlockList.Block) -> BlockListing {
        BlockListing(
            address: "\(node)",
            reason: block.reason,
            seconds: block.since.duration(to: clock.now()).seconds,
            peers: peers.all.filter { $0.node == node }.map(\.id)
        )
    }
}
