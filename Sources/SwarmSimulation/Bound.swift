import NodeConfig

/// The least time in which content can reach everybody (Kumar and Ross, HOTWEB 2006).
package struct Bound: Sendable, Hashable {
    /// Bytes for each peer.
    package var content: Double
    /// The supernode's upload, in bytes per second.
    package var supernodeUp: Double
    /// Each peer's rates, in bytes per second.
    package var ups: [Double]
    package var downs: [Double]

    /// The largest of F / u_s, F / d_min and N F / (u_s + sum of u_i).
    package var seconds: Double {
        guard let slowest = downs.min() else { return 0 }
        let demand = content * Double(downs.count)
        return max(content / supernodeUp, content / slowest, demand / (supernodeUp + ups.reduce(0, +)))
    }
}

extension Simulation {
    /// The bound with every host as it should be.
    var bound: Bound {
        var bound = Bound(content: contentBytes, supernodeUp: network.hosts[0].up, ups: [], downs: [])
        for host in network.hosts.dropFirst() {
            bound.ups.append(host.up)
            bound.downs.append(host.down)
        }
        return bound
    }

    /// For those with the full rate: the larger of what their own link takes and what the honest can send to all.
    var fullRateBound: Double {
        var honest = network.hosts[0].up
        for host in 1..<hostCount where !hosts[host].isCorrupt && !hosts[host].isDying {
            honest += network.hosts[host].up
        }
        let own = contentBytes / Double(scenario.peers.down.bytesPerSecond ?? 1)
        return max(own, contentBytes * Double(hostCount - 1) / honest)
    }

    var contentBytes: Double { scenario.tasks.reduce(0) { $0 + Double($1.size.bytes) } }
}
