import Content

/// The counters and sets that events change, each in one place.
extension SwarmScheduler {
    /// A piece is now held.
    mutating func hold(_ piece: Int, at place: Int) {
        guard holdings.insert(piece, at: place) else { return }
        holders[piece].insert(place)
        cover(piece, at: place, isPromised: true)
        if peers[place].role == .seed { fresh.insert(piece) }
        if idle.contains(place) { addIdleCopies(1 << UInt64(piece & 63), at: piece >> 6, of: place) }
    }

    /// A piece is no longer held.
    mutating func drop(_ piece: Int, at place: Int) {
        holdings.remove(piece, at: place)
        covers.remove(piece, at: place)
        peers[place].coveredCount -= 1
        holders[piece].remove(place)
        if idle.contains(place) { removeIdleCopies(1 << UInt64(piece & 63), at: piece >> 6, of: place) }
        loseCopy(piece, at: place)
        refreshWaiting(place)
    }

    /// The transfer of a piece to a child.
    func transfer(of piece: Int, at child: Int) -> Transfer? {
        for index in peers[child].transfers.indices where peers[child].transfers[index].piece == piece {
            return peers[child].transfers[index]
        }
        return nil
    }

    /// A piece is under way to a child, from a parent's place or from somebody unknown.
    mutating func begin(_ piece: Int, at child: Int, from parent: Int?, start: Int64?) {
        serials += 1
        transferCount += 1
        // Nobody waits for what is under way since nobody knows when, nor with a child that again and again gets nothing.
        let isPromised = start != nil && !isFruitless(child)
        peers[child].transfers.append(
            Transfer(piece: piece, parent: parent, serial: serials, start: start, isPromised: isPromised)
        )
        if !isPromised { peers[child].unpromised += 1 }
        cover(piece, at: child, isPromised: isPromised)
        guard let parent else { return }
        peers[parent].line.append((child, piece))
        refreshIdle(parent)
    }

    /// A piece is no longer under way to a child, whatever came of it.
    mutating func release(_ transfer: Transfer, at child: Int) {
        guard let index = peers[child].transfers.firstIndex(where: { $0.serial == transfer.serial }) else { return }
        let transfer = peers[child].transfers.remove(at: index)
        if transfer.isWrittenOff { peers[child].writtenOff -= 1 }
        if !transfer.isPromised { peers[child].unpromised -= 1 }
        transferCount -= 1
        peers[child].coveredCount -= 1
        covers.remove(transfer.piece, at: child)
        if transfer.isPromised { loseCopy(transfer.piece, at: child) }
        refreshWaiting(child)
        guard let parent = transfer.parent else { return }
        if let index = peers[parent].line.firstIndex(where: { $0.child == child && $0.piece == transfer.piece }) {
            peers[parent].line.remove(at: index)
        }
        if transfer.isDiscounted { peers[parent].discounted -= 1 }
        if peers[parent].role == .seed { refresh(heldBy: parent) } else { refreshIdle(parent) }
    }

    /// A transfer no longer keeps its parent from being given another one.
    mutating func discount(_ transfer: Transfer, at child: Int) {
        guard !transfer.isDiscounted, let parent = transfer.parent,
            let index = peers[child].transfers.firstIndex(where: { $0.serial == transfer.serial })
        else { return }
        peers[child].transfers[index].isDiscounted = true
        peers[parent].discounted += 1
        if peers[parent].role == .seed { refresh(heldBy: parent) } else { refreshIdle(parent) }
    }

    /// A transfer no longer keeps its child from being given another one.
    mutating func writeOff(_ transfer: Transfer, at child: Int) {
        guard let index = peers[child].transfers.firstIndex(where: { $0.serial == transfer.serial }) else { return }
        if !peers[child].transfers[index].isWrittenOff { peers[child].writtenOff += 1 }
        peers[child].transfers[index].isWrittenOff = true
        touch(child)
    }

    /// Others no longer wait for a transfer: they get its piece elsewhere.
    mutating func breakPromise(of transfer: Transfer, at child: Int) {
        guard let index = peers[child].transfers.firstIndex(where: { $0.serial == transfer.serial }),
            peers[child].transfers[index].isPromised
        else { return }
        peers[child].transfers[index].isPromised = false
        peers[child].unpromised += 1
        loseCopy(transfer.piece, at: child)
        refreshWaiting(child)
    }

    private mutating func cover(_ piece: Int, at place: Int, isPromised: Bool) {
        guard covers.insert(piece, at: place) else { return }
        peers[place].coveredCount += 1
        refreshWaiting(place)
        guard isPromised, peers[place].role == .peer else { return }
        copies += 1
        if supply.add(piece) { uninjected.remove(piece) }
        if let site = peers[place].site, !peers[place].health.isBarred { sites[site].supply.add(piece) }
    }

    private mutating func loseCopy(_ piece: Int, at place: Int) {
        guard peers[place].role == .peer else { return }
        if let site = peers[place].site, !peers[place].health.isBarred, sites[site].supply.subtract(piece) {
            fresh.insert(piece)
        }
        copies -= 1
        guard supply.subtract(piece) else { return }
        uninjected.insert(piece)
        fresh.insert(piece)
    }

    /// A peer that serves nobody does not keep others of its site from getting elsewhere what it holds.
    mutating func countAtSite(_ place: Int, isCounted: Bool) {
        guard peers[place].role == .peer, let site = peers[place].site else { return }
        var unpromised = BitSet()
        for transfer in peers[place].transfers where !transfer.isPromised { unpromised.insert(transfer.piece) }
        for index in 0..<pieceWords {
            let counted = covers.word(index, at: place) & ~unpromised.word(index)
            if isCounted {
                sites[site].supply.add(counted, to: index)
            } else {
                fresh.formUnion(sites[site].supply.subtract(counted, from: index), at: index)
            }
        }
    }

    /// Puts a child where it belongs in the queue.
    mutating func refreshWaiting(_ place: Int) {
        waiting.update(place, load: appetite(of: place) > 0 ? load(of: place) : nil)
    }

    /// How many more pieces are assigned to a child now if they are to be had.
    func appetite(of child: Int) -> Int {
        guard !peers[child].isVacant, !hasItsWish(child) else { return 0 }
        return min(peers[child].wanted, Int(peers[child].pace.limit) - peers[child].promptTransfers)
    }

    /// Whether a child would pass on late, or to nobody, what it gets.
    func isPoorParent(_ child: Int) -> Bool { peers[child].isSlowChild || peers[child].health.isBarred }

    /// Whether a child again and again gets nothing of what it is given.
    func isFruitless(_ child: Int) -> Bool { peers[child].fruitless >= 3 }

    /// A child's place in the queue: those with the fewest pieces first, but who would be a poor parent, or gets nothing of
    /// what it is given, behind those that have up to a fifth more than the mean.
    ///
    /// Always the first, it would take what the others could pass on; always the last, it would get nothing for long.
    func load(of child: Int) -> Int {
        let load = peers[child].coveredCount - peers[child].unpromised
        guard isPoorParent(child) || isFruitless(child) else { return load }
        return max(load, min(copies * 6 / (5 * max(1, ordinaryPeers)) + 1, pieceCount - uninjected.count - 1))
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
        if peers[place].isVacant || peers[place].health.isBarred { return 0 }
        let slots =
            peers[place].role == .seed
            ? seedSlots : min(max(configuration.peerSlots, slotsForGap(of: place)), configuration.mostPeerSlots)
        return max(0, (peers[place].health.isOnProbation ? 1 : slots) - peers[place].promptLine)
    }

    /// A lone peer may fill the seed's line; with more a long line would only tie pieces early to children that then wait
    /// for them.
    var seedSlots: Int {
        ordinaryPeers <= 1 ? configuration.seedSlots : min(Int(seedPace.limit), configuration.seedSlots)
    }

    /// Notes whether a peer now has a free slot.
    mutating func refreshIdle(_ place: Int) {
        guard peers[place].role == .peer else { return }
        setIdle(place, freeSlots(place) > 0)
    }

    mutating func setIdle(_ place: Int, _ isIdle: Bool) {
        guard idle.contains(place) != isIdle else { return }
        if isIdle { idle.insert(place) } else { idle.remove(place) }
        for index in 0..<pieceWords {
            let held = holdings.word(index, at: place)
            if isIdle {
                addIdleCopies(held, at: index, of: place)
            } else {
                removeIdleCopies(held, at: index, of: place)
            }
        }
    }

    private mutating func removeIdleCopies(_ pieces: UInt64, at index: Int, of place: Int) {
        guard pieces != 0 else { return }
        if let site = peers[place].site { sites[site].idleCopies.subtract(pieces, from: index) }
        idleCopies.subtract(pieces, from: index)
    }

    private mutating func addIdleCopies(_ pieces: UInt64, at index: Int, of place: Int) {
        guard pieces != 0 else { return }
        hasMoreIdle = true
        // Where others were idle with it, whoever lacks it has been looked at in vain already.
        if let site = peers[place].site { fresh.formUnion(sites[site].idleCopies.add(pieces, to: index), at: index) }
        fresh.formUnion(idleCopies.add(pieces, to: index), at: index)
    }

    /// What a seed holds may have become available.
    mutating func refresh(heldBy seed: Int) {
        for index in 0..<pieceWords { fresh.formUnion(holdings.word(index, at: seed), at: index) }
    }
}
