import Content

/// What children say of one parent, and what follows from that.
///
/// One child alone can not make it rest for others: each child counts once, for a while, and only several children together
/// are believed. After a rest it is on probation: one piece at a time until one came through. Rests grow from one to the
/// next, and shrink again with the time that goes well.
struct ParentHealth: Sendable {
    /// What one child says of it, again and again.
    private struct Complaint: Sendable {
        let child: PeerID
        let reason: FailureReason
        var times: Int
        var latest: SchedulerInstant
        /// Whether the parent has rested for it already.
        var isSettled = false
    }

    private var complaints: [Complaint] = []
    /// Those of several children are enough, and what a child can make the supernode remember is bounded.
    private static let mostComplaints = 16
    private var rests = 0
    /// When its latest rest ends or has ended.
    private(set) var restsUntil: SchedulerInstant?
    private(set) var isResting = false
    private(set) var isOnProbation = false
    /// Whether somebody who runs the cluster has taken it out.
    var isBlocked = false

    /// Whether nobody is given to it.
    var isBarred: Bool { isResting || isBlocked }

    /// Notes a complaint; returns until when the parent now rests, or nil if it goes on.
    mutating func complain(
        _ child: PeerID,
        of reason: FailureReason,
        now: SchedulerInstant,
        configuration: SchedulerConfiguration
    ) -> SchedulerInstant? {
        forget(now: now, after: configuration.complaintMemory)
        if let known = complaints.firstIndex(where: { $0.child == child && $0.reason == reason }) {
            complaints[known].times += 1
            complaints[known].latest = now
            complaints[known].isSettled = false
        } else {
            if complaints.count == Self.mostComplaints { complaints.removeFirst() }
            complaints.append(Complaint(child: child, reason: reason, times: 1, latest: now))
        }
        let ofWrongBytes = reason == .wrongBytes
        let needed = ofWrongBytes ? configuration.complainersOfWrongBytes : configuration.complainers
        guard !isResting, complainers(ofWrongBytes: ofWrongBytes) >= needed else { return nil }
        for index in complaints.indices { complaints[index].isSettled = true }
        decay(now: now, each: configuration.complaintMemory)
        let first = ofWrongBytes ? configuration.firstBackoffOfWrongBytes : configuration.firstBackoff
        let end = now + min(first * (1 << min(rests, 16)), configuration.longestBackoff)
        rests += 1
        restsUntil = end
        isResting = true
        isOnProbation = true
        return end
    }

    private func complainers(ofWrongBytes: Bool) -> Int {
        var children: [PeerID] = []
        for complaint in complaints
        where !complaint.isSettled && (complaint.reason == .wrongBytes) == ofWrongBytes
            && !children.contains(complaint.child)
        {
            children.append(complaint.child)
        }
        return children.count
    }

    private mutating func forget(now: SchedulerInstant, after memory: Duration) {
        complaints.removeAll { $0.latest + memory <= now }
    }

    /// As long as a complaint counts without a new rest halves what is known of rests.
    private mutating func decay(now: SchedulerInstant, each memory: Duration) {
        guard let restsUntil, restsUntil < now else { return }
        rests >>= Int(min((now - restsUntil) / memory, 16))
    }

    mutating func rested() { isResting = false }

    /// A piece came through, to a child that said so.
    ///
    /// Of wrong bytes it takes nothing back: whoever lies does not do so always.
    mutating func served(_ child: PeerID) {
        complaints.removeAll { $0.child == child && $0.reason != .wrongBytes }
        if isOnProbation { rests /= 2 }
        isOnProbation = false
    }

    /// How the parent stands; nil where there is nothing to tell.
    mutating func standing(isSlow: Bool, now: SchedulerInstant, memory: Duration) -> ParentStanding? {
        forget(now: now, after: memory)
        let state: ParentStanding.State =
            isBlocked ? .blocked : isResting ? .quarantined : isOnProbation ? .probation : .healthy
        guard state != .healthy || isSlow || !complaints.isEmpty else { return nil }
        return ParentStanding(
            state: state,
            quarantinedUntil: isResting ? restsUntil : nil,
            complaints: complaints.map { .init(child: $0.child, reason: $0.reason, times: $0.times) },
            isSlow: isSlow
        )
    }
}
