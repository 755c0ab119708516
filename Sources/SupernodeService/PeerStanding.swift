import SwarmScheduling

/// How a peer stands in all its tasks together.
struct PeerStanding: Sendable {
    /// The gravest of all tasks.
    var state = ParentStanding.State.healthy
    /// When the last of its rests ends.
    private(set) var quarantinedUntil: ContinuousClock.Instant?
    private(set) var slowTasks = 0
    private(set) var complaints: [FailureReason: Complaints] = [:]

    struct Complaints: Sendable {
        var times = 0
        var voices: Set<Voice> = []
    }

    mutating func add(_ standing: ParentStanding) {
        state = max(state, standing.state)
        if let end = standing.quarantinedUntil { quarantinedUntil = max(quarantinedUntil ?? end, end) }
        if standing.isSlow { slowTasks += 1 }
        for complaint in standing.complaints {
            complaints[complaint.reason, default: Complaints()].times += complaint.times
            complaints[complaint.reason, default: Complaints()].voices.insert(complaint.voice)
        }
    }
}
