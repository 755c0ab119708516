import Content

extension SwarmScheduler {
    /// Hands out whatever can be handed out, and takes back what has become slow.
    ///
    /// To be called after every event or batch of events, and at ``nextDeadline``.
    package mutating func schedule(
        now: SchedulerInstant,
        using generator: inout some RandomNumberGenerator
    ) -> SchedulerOutput {
        var output = SchedulerOutput()
        swap(&output.cancellations, &pendingCancellations)
        measure(now: now)
        ring(now: now, into: &output, using: &generator)
        // What every peer has or is getting interests nobody, unless a seed is a child too.
        if seeds.allSatisfy({ !waiting.contains($0) }) { fresh.removeAll { supply[$0] == ordinaryPeers } }
        serveWaiting(now: now, into: &output, using: &generator)
        serveDirty(now: now, into: &output, using: &generator)
        for child in dirty { peers[child].isDirty = false }
        dirty.removeAll(keepingCapacity: true)
        fresh.removeAll()
        return output
    }

    /// Nothing fresh is left to give: only the children that have changed are looked at.
    private mutating func serveDirty(
        now: SchedulerInstant,
        into output: inout SchedulerOutput,
        using generator: inout some RandomNumberGenerator
    ) {
        var queue = BinaryHeap<Turn>()
        for child in dirty where waiting.contains(child) {
            queue.insert(Turn(load: peers[child].covered.count, child: child))
        }
        while hasOffer, let turn = queue.popMin() {
            guard serve(turn.child, now: now, into: &output, using: &generator) else { continue }
            if peers[turn.child].wanted > 0 { queue.insert(Turn(load: turn.load + 1, child: turn.child)) }
        }
    }

    private struct Turn: Comparable {
        let load: Int
        let child: Int
        static func < (left: Turn, right: Turn) -> Bool { left.load < right.load }
    }

    /// Goes through those who wait, the poorest first, as long as anybody has something fresh to give.
    private mutating func serveWaiting(
        now: SchedulerInstant,
        into output: inout SchedulerOutput,
        using generator: inout some RandomNumberGenerator
    ) {
        var offer = freshOffer()
        guard !offer.isEmpty else { return }
        var next = waiting.lowest(from: 0)
        while let load = next, load < pieceCount {
            var index = 0
            while index < waiting.buckets[load].count {
                let child = waiting.buckets[load][index]
                let isWorthALook = peers[child].isDirty || peers[child].covered.lacksMember(of: offer)
                guard isWorthALook, serve(child, now: now, into: &output, using: &generator) else {
                    index += 1
                    continue
                }
                // Served, it has moved on and another one stands here.
                offer = freshOffer()
                guard !offer.isEmpty else { return }
            }
            next = waiting.lowest(from: load + 1)
        }
    }

    /// Whether anybody has a free slot for anything.
    private var hasOffer: Bool { !servable.isEmpty || seeds.contains { freeSlots($0) > 0 } }

    /// The fresh pieces that somebody with a free slot holds.
    private func freshOffer() -> BitSet {
        BitSet(
            words: fresh.words.indices.map { index in
                guard fresh.words[index] != 0 else { return 0 }
                return seeds.reduce(servable.word(index)) { offered, seed in
                    offered | peers[seed].held.word(index) & repeatable(index, from: seed)
                } & fresh.words[index]
            }
        )
    }

    /// Which of 64 pieces a seed would give away now if it holds them.
    private func repeatable(_ index: Int, from seed: Int) -> UInt64 {
        if freeSlots(seed) == 0 { return 0 }
        let hasTimeForAll = peers[seed].promptLine < configuration.seedRepeatLine || !seedOnly.isEmpty
        return hasTimeForAll ? .max : uninjected.word(index)
    }

    private mutating func serve(
        _ child: Int,
        now: SchedulerInstant,
        into output: inout SchedulerOutput,
        using generator: inout some RandomNumberGenerator
    ) -> Bool {
        guard peers[child].wanted > 0, peers[child].covered.count < pieceCount,
            let choice = choice(for: child, now: now, using: &generator)
        else { return false }
        peers[child].wanted -= 1
        assign(choice, to: child, now: now, into: &output, using: &generator)
        return true
    }

    mutating func assign(
        _ choice: Choice,
        to child: Int,
        now: SchedulerInstant,
        into output: inout SchedulerOutput,
        using generator: inout some RandomNumberGenerator
    ) {
        begin(choice.piece, at: child, from: choice.parent, now: now)
        // At a seed others wait for its end, too.
        let patience =
            peers[choice.parent].role == .seed
            ? patience(factor: configuration.endgameFactor)
            : patience(with: child, factor: configuration.endgameFactor)
        let matter = Alarm.Matter.transfer(child: child, serial: serials, piece: choice.piece)
        alarms.insert(Alarm(at: now + patience, matter: matter))
        output.assignments.append(
            Assignment(
                peer: peers[child].id,
                piece: PieceIndex(choice.piece),
                parent: peers[choice.parent].id,
                alternates: alternates(to: choice, for: child, now: now, using: &generator)
            )
        )
    }
}
