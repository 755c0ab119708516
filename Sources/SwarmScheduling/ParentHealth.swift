import Content

/// What children say of one parent.
///
/// One child alone can not make it rest for others: complaints count once per child, for a while, and only several
/// children together are believed. After a rest it is on probation: one piece at a time until one came through.
struct ParentHealth: Sendable {
    private struct Complaint: Sendable {
        let child: PeerID
        let ofWrongBytes: Bool
        let at: SchedulerInstant
    }

    private var complaints: [Complaint] = []
    private var rests = 0
    private(set) var isResting = false
    private(set) var isOnProbation = false

    /// Notes a complaint; returns until when the parent now rests, or nil if it goes on.
    mutating func complain(
        _ child: PeerID,
        ofWrongBytes: Bool,
        now: SchedulerInstant,
        configuration: SchedulerConfiguration
    ) -> SchedulerInstant? {
        complaints.removeAll {
            $0.at + configuration.complaintMemory <= now || $0.child == child && $0.ofWrongBytes == ofWrongBytes
        }
        complaints.append(Complaint(child: child, ofWrongBytes: ofWrongBytes, at: now))
        let needed = ofWrongBytes ? configuration.complainersOfWrongBytes : configuration.complainers
        guard !isResting, complaints.count(where: { $0.ofWrongBytes == ofWrongBytes }) >= needed else { return nil }
        complaints.removeAll()
        let first = ofWrongBytes ? configuration.firstBackoffOfWrongBytes : configuration.firstBackoff
        let interval = min(first * (1 << min(rests, 16)), configuration.longestBackoff)
        rests += 1
        isResting = true
        isOnProbation = true
        return now + interval
    }

    mutating func rested() { isResting = false }

    /// A piece came through, to a child that said so.
    mutating func served(_ child: PeerID) {
        complaints.removeAll { $0.child == child }
        if isOnProbation { rests /= 2 }
        isOnProbation = false
    }
}
