package import Content

/// What a peer is to its swarm.
package enum PeerRole: Sendable, Hashable {
    /// The supernode: the first holder of every piece.
    case seed
    /// A node that downloads and uploads.
    case peer
}

/// What is known of where a peer is.
package struct PeerLabels: Sendable, Hashable {
    /// Peers of one site prefer each other, and pieces travel between sites about once.
    package var site: String?
    /// Where within the site: of all holders with a free slot those of a peer's own rack go before others.
    package var rack: String?
    /// Where within the rack: those of its own host go first.
    package var host: String?

    /// Nil: not known.
    package init(site: String? = nil, rack: String? = nil, host: String? = nil) {
        self.site = site
        self.rack = rack
        self.host = host
    }

    /// The names of what it stands in, the nearest first: racks of different sites may have the same name.
    var neighbourhoods: [String] {
        let rackName = rack.map { "\(site ?? "")\u{0}\($0)" }
        return [host.map { "\(rackName ?? site ?? "")\u{0}\u{0}\($0)" }, rackName].compactMap { $0 }
    }
}

/// Which parents a peer may be given.
package enum ParentRestriction: Sendable, Hashable {
    /// Whoever holds the piece.
    case anyParent
    /// Only the supernode.
    case seedOnly
}

/// Why a piece did not come.
package enum FailureReason: Sendable, Hashable, CaseIterable {
    /// The parent was not reachable.
    case unreachable
    /// It did not come in time.
    case timedOut
    /// The parent would not or could not serve it.
    case refused
    /// The bytes were not the piece.
    case wrongBytes
    /// The parent holds another generation.
    case generation
    /// The child itself could not take it.
    case local

    /// Whether it is held against the parent.
    package var isParentsFault: Bool {
        switch self {
        case .unreachable, .timedOut, .refused, .wrongBytes: true
        case .generation, .local: false
        }
    }
}

/// One piece for one peer to fetch.
package struct Assignment: Sendable, Hashable {
    /// Who fetches.
    package let peer: PeerID
    /// What.
    package let piece: PieceIndex
    /// From whom.
    package let parent: PeerID
    /// Who else holds it, to be tried in this order when the parent fails.
    package var alternates: [PeerID]
}

/// An assignment that is taken back: the peer ends its transfer.
package struct Cancellation: Sendable, Hashable {
    /// Who was to fetch.
    package let peer: PeerID
    /// What.
    package let piece: PieceIndex
}

/// What a scheduler has decided; cancellations come first where a piece stands in both.
package struct SchedulerOutput: Sendable {
    /// What to fetch, in the order decided.
    package var assignments: [Assignment] = []
    /// What to stop fetching.
    package var cancellations: [Cancellation] = []
    /// What children held against parents.
    package var complaints: [FailureReason] = []
    /// Who stands otherwise now.
    package var changes: [StandingChange] = []

    /// Whether nothing is to be done.
    package var isEmpty: Bool { assignments.isEmpty && cancellations.isEmpty }
}

/// A moment of the clock of whoever owns the scheduler, which itself reads none.
package typealias SchedulerInstant = ContinuousClock.Instant
