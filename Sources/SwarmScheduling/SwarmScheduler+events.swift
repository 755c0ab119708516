package import Content

extension SwarmScheduler {
    /// A peer now holds a piece, whoever it came from (nil: the origin, or its own disk), and how the time was spent.
    ///
    /// What a seed holds makes pieces known.
    package mutating func finished(
        _ piece: PieceIndex,
        by peer: PeerID,
        from parent: PeerID? = nil,
        timing: TransferTiming? = nil
    ) {
        guard let child = find(peer) else { return }
        if peers[child].role == .seed { learn(pieceCount: piece.value + 1) }
        guard piece.value < pieceCount, !holdings.contains(piece.value, at: child) else { return }
        if let transfer = transfer(of: piece.value, at: child) {
            noteEnd(of: transfer, at: child, timing)
            release(transfer, at: child)
            peers[child].steals = 0
            peers[child].fruitless = 0
            touch(child)
        }
        if let parent = parent.flatMap({ place(of: $0) }), parent != child {
            if peers[child].avoidance.succeeded(place: parent, birth: peers[parent].birth) {
                if peers[child].avoidance.isEmpty { cautious.remove(child) }
                touch(child)
            }
            served(child, by: parent)
            refreshIdle(parent)
        }
        hold(piece.value, at: child)
    }

    /// A piece on its way to a peer will be there soon: its parent may be given the next child, whose request then waits
    /// there when the parent has sent the last byte.
    package mutating func ending(_ piece: PieceIndex, by peer: PeerID) {
        guard let child = find(peer), let transfer = transfer(of: piece.value, at: child) else { return }
        discount(transfer, at: child)
        writeOff(transfer, at: child)
    }

    /// A piece on its way to a peer has not begun to come in good time: its parent may be dead, and the child is given
    /// another piece meanwhile.
    package mutating func late(_ piece: PieceIndex, by peer: PeerID) {
        guard let child = find(peer), let transfer = transfer(of: piece.value, at: child) else { return }
        writeOff(transfer, at: child)
    }

    /// A peer no longer holds a piece: what is in line for it there will fail and come from elsewhere.
    package mutating func lost(_ piece: PieceIndex, by peer: PeerID) {
        guard let place = find(peer), holdings.contains(piece.value, at: place) else { return }
        drop(piece.value, at: place)
        touch(place)
    }

    /// A piece did not come from a parent: the child gets it elsewhere, and keeps away from that parent for a while.
    ///
    /// Failures of a parent other than the assigned one (an alternate) leave the assignment as it is. What was not handed
    /// out here ends with any failure. What a child says of a parent that it was not told to ask (`wasNamed`) is its own affair.
    package mutating func failed(
        _ piece: PieceIndex,
        by peer: PeerID,
        from parent: PeerID,
        reason: FailureReason,
        wasNamed: Bool = true,
        at now: SchedulerInstant
    ) {
        guard let child = find(peer), piece.value < pieceCount else { return }
        let parentPlace = place(of: parent)
        if let transfer = transfer(of: piece.value, at: child),
            transfer.parent == nil || transfer.parent == parentPlace
        {
            release(transfer, at: child)
            peers[child].fruitless += 1
            touch(child)
        }
        guard let parentPlace, parentPlace != child else { return }
        avoid(parentPlace, for: piece.value, by: child, ofWrongBytes: reason == .wrongBytes, now: now)
        // The seed never rests: it may be the only holder.
        guard wasNamed, peers[parentPlace].role == .peer, reason.isParentsFault else { return }
        complain(child, of: parentPlace, reason, now: now)
    }

    /// How many more assignments a peer would take now, instead of what it said before; each assignment takes one off.
    ///
    /// Of the events of one exchange this is the last.
    package mutating func wants(_ peer: PeerID, _ count: Int) {
        guard let child = find(peer) else { return }
        let grown = count > peers[child].wanted
        peers[child].wanted = max(0, count)
        if grown { touch(child) } else { refreshWaiting(child) }
    }

    /// A peer reads the content in order from a piece on; nil: no longer.
    package mutating func reader(_ peer: PeerID, at piece: PieceIndex?) {
        guard let child = find(peer), peers[child].reader != piece?.value else { return }
        peers[child].reader = piece?.value
        touch(child)
    }

    /// A peer wants these pieces only, whatever it is given room for; nil: all of them.
    package mutating func wants(_ peer: PeerID, only pieces: PieceSet?) {
        guard let child = find(peer) else { return }
        let wish = pieces.map { BitSet($0) }
        guard wishes[child] != wish else { return }
        wishes[child] = wish
        touch(child)
    }

    /// Limits the parents of a peer from now on.
    package mutating func restrict(_ peer: PeerID, _ restriction: ParentRestriction) {
        guard let child = find(peer), peers[child].restriction != restriction else { return }
        peers[child].restriction = restriction
        if restriction == .seedOnly { seedOnly.insert(child) } else { seedOnly.remove(child) }
        touch(child)
    }

    /// Compares with what the peer says is under way: what is not was lost in an answer and is handed out again; what was
    /// not handed out here (before a restart) is left to it.
    package mutating func reconcile(_ peer: PeerID, outstanding: PieceSet) {
        guard let child = find(peer) else { return }
        let lapsed = peers[child].transfers.filter { !outstanding.contains(PieceIndex($0.piece)) }
        for transfer in lapsed { release(transfer, at: child) }
        if !lapsed.isEmpty {
            // Whatever one lost answer held: it counts once.
            peers[child].fruitless += 1
            touch(child)
        }
        for piece in outstanding
        where piece.value < pieceCount && !covers.contains(piece.value, at: child)
            // Still under way there, but it is about to be told to end it.
            && !pending.cancellations.contains(Cancellation(peer: peer, piece: piece))
        {
            begin(piece.value, at: child, from: nil, start: nil)
        }
    }

    /// Keeps a child away from a parent, and from asking it for one piece for longer.
    mutating func avoid(_ parent: Int, for piece: Int, by child: Int, ofWrongBytes: Bool, now: SchedulerInstant) {
        peers[child].avoidance.forget(now: now, after: configuration.longestBackoff)
        let ends = peers[child].avoidance.failed(
            piece,
            place: parent,
            birth: peers[parent].birth,
            first: ofWrongBytes ? configuration.firstBackoffOfWrongBytes : configuration.firstBackoff,
            longest: configuration.longestBackoff,
            now: now
        )
        cautious.insert(child)
        touch(child)
        for end in ends { alarms.insert(Alarm(at: end, matter: .avoidance(child: child, birth: peers[child].birth))) }
    }
}
