package import Content

/// Parents that are not given to children for a while, or until further notice.
extension SwarmScheduler {
    /// From now on nobody is given the peer as a parent, or it is a parent like any other again.
    ///
    /// What was in line at it comes from elsewhere. It may go on fetching.
    package mutating func block(_ peer: PeerID, _ isBlocked: Bool) {
        guard let place = place(of: peer), peers[place].role == .peer, peers[place].health.isBlocked != isBlocked
        else { return }
        changeHealth(of: place) { $0.isBlocked = isBlocked }
        if isBlocked { emptyLine(of: place) }
    }

    /// How the peers stand of which there is something to tell.
    package mutating func standings(at now: SchedulerInstant) -> [PeerID: ParentStanding] {
        var standings: [PeerID: ParentStanding] = [:]
        let places = conspicuous
        places.forEach { place in
            let standing = peers[place].health.standing(
                isSlow: peers[place].isSlow,
                now: now,
                memory: configuration.complaintMemory
            )
            if standing.isConspicuous {
                standings[peers[place].id] = standing
            } else {
                conspicuous.remove(place)
            }
        }
        return standings
    }

    /// Until it joins again, what a peer says of parents counts as said by all who call from this address.
    package mutating func calls(_ peer: PeerID, from address: IPAddress) {
        guard let place = place(of: peer) else { return }
        peers[place].address = address
    }

    /// A child complains of a parent.
    mutating func complain(_ child: Int, of parent: Int, _ reason: FailureReason, now: SchedulerInstant) {
        pending.complaints.append(reason)
        let (voice, configuration) = (peers[child].voice, configuration)
        let end = changeHealth(of: parent) {
            $0.complain(voice, of: reason, now: now, configuration: configuration)
        }
        guard let end else { return }
        pending.changes.append(change(of: parent))
        alarms.insert(Alarm(at: end, matter: .rest(parent: parent, birth: peers[parent].birth)))
    }

    /// A piece came to a child from a parent.
    mutating func served(_ child: Int, by parent: Int) {
        guard peers[parent].health.served(peers[child].voice), !peers[parent].health.isResting else { return }
        pending.changes.append(change(of: parent))
    }

    /// A parent's rest is over.
    mutating func rested(_ parent: Int, into output: inout SchedulerOutput) {
        changeHealth(of: parent) { $0.rested() }
        output.changes.append(change(of: parent))
    }

    private func change(of parent: Int) -> StandingChange {
        let standing = peers[parent].health.standing(isSlow: peers[parent].isSlow)
        return StandingChange(peer: peers[parent].id, standing: standing)
    }

    /// Changes what is known of a parent, and what follows where it is barred now or no longer.
    mutating func changeHealth<Result>(of place: Int, _ change: (inout ParentHealth) -> Result) -> Result {
        let wasBarred = peers[place].health.isBarred
        let result = change(&peers[place].health)
        conspicuous.insert(place)
        guard peers[place].health.isBarred != wasBarred else { return result }
        countAtSite(place, isCounted: wasBarred)
        touch(place)
        refreshIdle(place)
        return result
    }

    /// What is in line at a parent is taken back, to come from elsewhere.
    mutating func emptyLine(of parent: Int) {
        let orphans = peers[parent].line
        for orphan in orphans {
            guard let transfer = transfer(of: orphan.piece, at: orphan.child) else { continue }
            release(transfer, at: orphan.child)
            pending.cancellations.append(
                Cancellation(peer: peers[orphan.child].id, piece: PieceIndex(orphan.piece))
            )
            peers[orphan.child].wanted += 1
            touch(orphan.child)
        }
    }
}
