package import Content

/// How a peer stands as a parent, in all its tasks together.
package enum PeerState: String, Sendable, Codable, CaseIterable {
    /// It is given to others like any other.
    case healthy
    /// It has been in quarantine: one piece at a time until one came through.
    case probation
    /// Several children have complained: nobody is given to it for a while, at least in one of its tasks.
    case quarantined
    /// Somebody who runs the cluster has taken it out: nobody is given to it.
    case blocked
}

/// What children have said lately of a peer, of one kind.
package struct ComplaintListing: Sendable, Codable, Hashable {
    package var reason: TaskReport.Reason
    package var times: Int
    /// From how many distinct addresses.
    package var addresses: Int

    package init(reason: TaskReport.Reason, times: Int, addresses: Int) {
        self.reason = reason
        self.times = times
        self.addresses = addresses
    }
}

extension ComplaintListing: CustomStringConvertible {
    /// As people read it: `3 wrongBytes by 3`.
    package var description: String { "\(times) \(reason.rawValue) by \(addresses)" }
}

/// Blocks a node: the body may be left out.
package struct BlockRequest: Sendable, Codable {
    /// For those who see the node blocked: one line.
    package var reason: String?

    package init(reason: String? = nil) { self.reason = reason }
}

/// A blocked node.
package struct BlockListing: Sendable, Codable, Hashable {
    /// `ip:port` or `[ip]:port` of its pieces.
    package var address: String
    package var reason: String?
    /// For how long it has been blocked.
    package var seconds: Double
    /// The registered peers there.
    package var peers: [PeerID]

    package init(address: String, reason: String?, seconds: Double, peers: [PeerID]) {
        self.address = address
        self.reason = reason
        self.seconds = seconds
        self.peers = peers
    }
}
