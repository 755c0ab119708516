import Content

@testable import SwarmScheduling

/// What must hold between sites, and of the counters.
extension RandomWorld {
    private func isElsewhere(_ parent: PeerID, for child: PeerID) -> Bool {
        guard let site = sites[child] else { return false }
        return parent == seedPeer ? sites[parent].map { $0 != site } ?? false : sites[parent] != site
    }

    /// The peers of a child's site that serve others.
    private func neighbours(of child: PeerID) -> [PeerID] {
        joined.filter { peer in
            peer != seedPeer && peer != child && sites[peer] != nil && sites[peer] == sites[child]
                && scheduler.place(of: peer).map { !scheduler.peers[$0].health.isBarred } ?? false
        }
    }

    /// Whether a child may be left waiting for what somebody elsewhere could give: its own site has the piece, or is to
    /// get it within a bounded time.
    func mayWait(_ child: PeerID, for piece: PieceIndex, from parent: PeerID) -> Bool {
        guard isElsewhere(parent, for: child), !restricted.contains(child) else { return false }
        let longest = max(times.longest * 6, scheduler.configuration.firstPatience)
        return neighbours(of: child).contains {
            held[$0]?.contains(piece) == true || times.age(of: piece, by: $0, at: now).map { $0 < longest } ?? false
        }
    }

    /// A piece crosses between sites only once: not when somebody there has it, or has just been given it.
    func crossingFaults(_ assignment: Assignment) -> [String] {
        let child = assignment.peer
        guard isElsewhere(assignment.parent, for: child), !restricted.contains(child), readers[child] == nil,
            !times.unlucky.contains(child)
        else { return [] }
        let least = scheduler.configuration.leastPatience
        return neighbours(of: child).compactMap { peer in
            if held[peer]?.contains(assignment.piece) == true { return "crosses, but is there: \(assignment.piece)" }
            guard !times.unlucky.contains(peer) else { return nil }
            let isComing = times.age(of: assignment.piece, by: peer, at: now).map { $0 < least } ?? false
            return isComing ? "crosses twice: \(assignment.piece)" : nil
        }
    }

    /// Nobody is sent elsewhere for what a peer of its own site could give.
    func nearnessFault(_ assignment: Assignment) -> String? {
        guard isElsewhere(assignment.parent, for: assignment.peer), !restricted.contains(assignment.peer),
            !times.unlucky.contains(assignment.peer)
        else { return nil }
        let isNear = neighbours(of: assignment.peer).contains {
            held[$0]?.contains(assignment.piece) == true && promptLine($0) < slots($0)
        }
        return isNear ? "from elsewhere, but somebody near is free: \(assignment.piece)" : nil
    }

    func counterFaults() -> [String] {
        var faults: [String] = []
        let givers = joined.filter { $0 != seedPeer && promptLine($0) < slots($0) }
        for piece in 0..<scheduler.pieceCount {
            let idle = givers.count { held[$0]?.contains(PieceIndex(piece)) == true }
            if scheduler.supply[piece] != copies[piece] { faults.append("supply of \(piece)") }
            if scheduler.idleCopies[piece] != idle { faults.append("idle copies of \(piece)") }
            if scheduler.idleCopies.present.contains(piece) != (idle > 0) { faults.append("servable \(piece)") }
            if scheduler.uninjected.contains(piece) != (copies[piece] == 0) { faults.append("uninjected \(piece)") }
        }
        if scheduler.copies != copies.reduce(0, +) { faults.append("sum of copies") }
        return faults + siteCounterFaults(givers: givers)
    }

    private func siteCounterFaults(givers: [PeerID]) -> [String] {
        var faults: [String] = []
        for name in ["a", "b"] {
            let members = joined.filter { sites[$0] == name && $0 != seedPeer }
            let places = members.compactMap { scheduler.place(of: $0) }
            guard let number = places.first.flatMap({ scheduler.peers[$0].site }) else { continue }
            let site = scheduler.sites[number]
            let serving = members.filter { peer in
                scheduler.place(of: peer).map { !scheduler.peers[$0].health.isBarred } ?? false
            }
            if site.members.count != members.count || !places.allSatisfy({ site.members.contains($0) }) {
                faults.append("members of \(name)")
            }
            for piece in (0..<scheduler.pieceCount).map({ PieceIndex($0) }) {
                let supply = serving.count { held[$0]?.contains(piece) == true || isPromised(piece, to: $0) }
                let idle = givers.count { sites[$0] == name && held[$0]?.contains(piece) == true }
                if site.supply[piece.value] != supply { faults.append("supply of \(piece) at \(name)") }
                if site.supply.present.contains(piece.value) != (supply > 0) { faults.append("\(piece) at \(name)") }
                if site.idleCopies[piece.value] != idle { faults.append("idle copies of \(piece) at \(name)") }
            }
        }
        return faults
    }
}
