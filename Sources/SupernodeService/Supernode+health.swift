import Content
import Metrics
import SwarmScheduling
import WireAPI

/// How the peers stand.
extension Supernode {
    /// The registered peers, and how they stand as parents.
    var peerListings: [PeerListing] {
        let now = clock.now()
        let (standings, blocked) = (standings(at: now), blocks.all)
        return peers.all.map { session in
            var standing = standings[session.id] ?? PeerStanding()
            if blocked[session.node] != nil { standing.state = .blocked }
            return PeerListing(session, standing, block: blocked[session.node], at: now)
        }
    }

    /// Peers of which there is something to tell; no two locks are held at a time.
    private func standings(at now: ContinuousClock.Instant) -> [PeerID: PeerStanding] {
        var standings: [PeerID: PeerStanding] = [:]
        for task in tasks.all {
            for (peer, standing) in task.standings(at: now) {
                standings[peer, default: PeerStanding()].add(standing)
            }
        }
        return standings
    }

    /// Counts the peers by their states.
    func recordPeers(at now: ContinuousClock.Instant) {
        var standings = standings(at: now).mapValues(\.state)
        let (sessions, blocked) = (peers.all, blocks.all)
        if !blocked.isEmpty {
            for session in sessions where blocked[session.node] != nil { standings[session.id] = .blocked }
        }
        var counts: [ParentStanding.State: Int] = [:]
        for session in sessions { counts[standings[session.id] ?? .healthy, default: 0] += 1 }
        for state in ParentStanding.State.allCases {
            Gauge(label: "darter_peers", dimensions: [("state", PeerState(state).rawValue)])
                .record(counts[state] ?? 0)
        }
    }
}
