/// What children say of one parent, and what follows from that.
///
/// One child alone can not make it rest for others: each voice counts once, for a while, and only several voices together
/// are believed. After a rest it is on probation: one piece at a time until one came through. Rests grow from one to the
/// next, and shrink again with the time that goes well.
struct ParentHealth: Sendable {
    /// What one voice says of it, again and again.
    private struct Complaint: Sendable {
        let voice: Voice
        let reason: FailureReason
        var times: Int
        var latest: SchedulerInstant
        /// Whether the parent has rested for it already.
        var isSettled = false
    }

    private var complaints: [Complaint] = []
    /// Those of several voices are enough, and what a child can make the supernode remember is bounded.
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
        _ voice: Voice,
        of reason: FailureReason,
        now: SchedulerInstant,
        configuration: SchedulerConfiguration
    ) -> SchedulerInstant? {
        forget(now: now, after: configuration.complaintMemory)
        if let known = complaints.firstIndex(where: { $0.voice == voice && $0.reason == reason }) {
            complaints[known].times += 1
            complaints[known].latest = now
            complaints[known].isSettled = false
        } else {
            if complaints.count == Self.mostComplaints { complaints.removeFirst() }
            complaints.append(Complaint(voice: voice, reason: reason, times: 1, latest: now))
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
        var voices: [Voice] = []
        for complaint in complaints
        where !complaint.isSettled && (complaint.reason == .wrongBytes) == ofWrongBytes
            && !voices.contains(complaint.voice)
        {
            voices.append(complaint.voice)
        }
        return voices.count
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

    /// A piece came through, to a child that said so; returns whether that ends a probation.
    ///
    /// Of wrong bytes it takes nothing back: whoever lies does not do so always.
    mutating func served(_ voice: Voice) -> Bool {
        complaints.removeAll { $0.voice == voice && $0.reason != .wrongBytes }
        guard isOnProbation else { return false }
        rests /= 2
        isOnProbation = false
        return true
    }

    /// How the parent stands.
    mutating func standing(isSlow: Bool, now: SchedulerInstant, memory: Duration) -> ParentStanding {
        forget(now: now, after: memory)
        return standing(isSlow: isSlow)
    }

    /// The same, with what may be about to be forgotten.
    func standing(isSlow: Bool) -> ParentStanding {
        ParentStanding(
            state: isBlocked ? .blocked : isResting ? .quarantined : isOnProbation ? .probation : .healthy,
            quarantinedUntil: isResting ? restsUntil : nil,
            complaints: complaints.map { .init(voice: $0.voice, reason: $0.reason, times: $0.times) },
            isSlow: isSlow
        )
    }
}
