import Content

/// The counters and sets that events change, each in one place.
extension SwarmScheduler {
    /// A piece is now held.
    mutating func hold(_ piece: Int, at place: Int) {
        guard peers[place].held.insert(piece) else { return }
        holders[piece].insert(place)
        cover(piece, at: place)
        if peers[place].role == .seed { fresh.insert(piece) }
        if idle.contains(place) { addIdleCopy(piece) }
    }

    /// A piece is no longer held.
    mutating func drop(_ piece: Int, at place: Int) {
        peers[place].held.remove(piece)
        peers[place].covered.remove(piece)
        holders[piece].remove(place)
        if idle.contains(place) { removeIdleCopy(piece) }
        if peers[place].role == .peer { loseCopy(piece) }
        refreshWaiting(place)
    }

    /// A piece is under way to a child, from a parent's place or from somebody unknown.
    mutating func begin(_ piece: Int, at child: Int, from parent: Int?, now: SchedulerInstant?) {
        serials += 1
        transferCount += 1
        peers[child].transfers.append(Transfer(piece: piece, parent: parent, serial: serials, start: now))
        cover(piece, at: child)
        guard let parent else { return }
        peers[parent].line.append((child, piece))
        refreshIdle(parent)
    }

    /// A piece is no longer under way to a child, whatever came of it.
    mutating func release(_ transfer: Transfer, at child: Int) {
        peers[child].transfers.removeAll { $0.serial == transfer.serial }
        transferCount -= 1
        peers[child].covered.remove(transfer.piece)
        if peers[child].role == .peer { loseCopy(transfer.piece) }
        refreshWaiting(child)
        guard let parent = transfer.parent else { return }
        peers[parent].line.removeAll { $0.child == child && $0.piece == transfer.piece }
        if transfer.isOverdue { peers[parent].overdue -= 1 }
        if peers[parent].role == .seed { fresh.formUnion(peers[parent].held) } else { refreshIdle(parent) }
    }

    /// A transfer from a seed takes too long: others, for whom there may be nobody else, need not wait for its end.
    mutating func markOverdue(_ transfer: Transfer, at child: Int) {
        guard !transfer.isOverdue, let parent = transfer.parent, peers[parent].role == .seed,
            let index = peers[child].transfers.firstIndex(where: { $0.serial == transfer.serial })
        else { return }
        peers[child].transfers[index].isOverdue = true
        peers[parent].overdue += 1
        fresh.formUnion(peers[parent].held)
    }

    private mutating func cover(_ piece: Int, at place: Int) {
        guard peers[place].covered.insert(piece) else { return }
        refreshWaiting(place)
        guard peers[place].role == .peer else { return }
        supply[piece] += 1
        if supply[piece] == 1 { uninjected.remove(piece) }
    }

    mutating func loseCopy(_ piece: Int) {
        supply[piece] -= 1
        guard supply[piece] == 0 else { return }
        uninjected.insert(piece)
        fresh.insert(piece)
    }

    /// Puts a child where it belongs in the queue.
    mutating func refreshWaiting(_ place: Int) {
        waiting.update(place, load: peers[place].wanted > 0 ? peers[place].covered.count : nil)
    }

    /// Something of the child itself has changed: it is looked at against everything.
    mutating func touch(_ child: Int) {
        refreshWaiting(child)
        guard !peers[child].isDirty else { return }
        peers[child].isDirty = true
        dirty.append(child)
    }

    /// How many more pieces may stand in line at a parent.
    func freeSlots(_ place: Int) -> Int {
        if peers[place].isVacant || peers[place].health.isResting { return 0 }
        let slots = peers[place].role == .seed ? seedSlots : configuration.peerSlots
        return max(0, (peers[place].health.isOnProbation ? 1 : slots) - peers[place].promptLine)
    }

    /// A lone peer may fill the seed's line; with many a long line would only tie pieces early to children that then wait
    /// for them.
    private var seedSlots: Int {
        max(configuration.seedSlots / max(1, ordinaryPeers), min(configuration.seedShare, configuration.seedSlots))
    }

    /// Notes whether a peer now has a free slot.
    mutating func refreshIdle(_ place: Int) {
        guard peers[place].role == .peer else { return }
        setIdle(place, freeSlots(place) > 0)
    }

    mutating func setIdle(_ place: Int, _ isIdle: Bool) {
        guard idle.contains(place) != isIdle else { return }
        let held = peers[place].held
        if isIdle {
            idle.insert(place)
            held.forEach { addIdleCopy($0) }
        } else {
            idle.remove(place)
            held.forEach { removeIdleCopy($0) }
        }
    }

    private mutating func removeIdleCopy(_ piece: Int) {
        idleCopies[piece] -= 1
        if idleCopies[piece] == 0 { servable.remove(piece) }
    }

    private mutating func addIdleCopy(_ piece: Int) {
        idleCopies[piece] += 1
        if idleCopies[piece] == 1 { servable.insert(piece) }
        fresh.insert(piece)
    }
}
