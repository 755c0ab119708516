package import Content

/// How a peer stands as a parent in one swarm, and why.
package struct ParentStanding: Sendable, Hashable {
    /// The later ones are the graver ones.
    package enum State: Int, Sendable, Comparable, CaseIterable {
        /// It is given to children like any other.
        case healthy
        /// It has rested: one piece at a time until one came through.
        case probation
        /// It rests: several children have complained.
        case quarantined
        /// Somebody who runs the cluster has taken it out.
        case blocked

        package static func < (left: State, right: State) -> Bool { left.rawValue < right.rawValue }
    }

    /// What one voice said of it lately.
    package struct Complaint: Sendable, Hashable {
        /// Who says so.
        package let voice: Voice
        /// What.
        package let reason: FailureReason
        /// How often.
        package let times: Int
    }

    /// Whether and how it is given to children.
    package let state: State
    /// When its rest ends, blocked or not; nil where it does not rest.
    package let quarantinedUntil: SchedulerInstant?
    /// What children have said lately, whether or not it has already rested for that.
    package let complaints: [Complaint]
    /// Whether pieces from it take much longer than usual.
    package let isSlow: Bool

    /// Whether there is anything to tell.
    var isConspicuous: Bool { state != .healthy || isSlow || !complaints.isEmpty }
}

/// A peer has been put into quarantine or let out of it, or is no longer on probation.
package struct StandingChange: Sendable, Hashable {
    /// Who.
    package let peer: PeerID
    /// How it stands now.
    package let standing: ParentStanding
}
