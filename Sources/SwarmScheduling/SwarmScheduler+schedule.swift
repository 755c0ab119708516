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
        // All chance of one decision comes of one number: the caller's generator may be a slow one.
        var chance = SplitMix64(seed: generator.next())
        swap(&output, &pending)
        let elapsed = elapsed(now)
        measure(elapsed: elapsed)
        ring(now: now, elapsed: elapsed, into: &output, using: &chance)
        // They may have kept away from all who were idle before.
        if hasMoreIdle, !cautious.isEmpty {
            let cautious = cautious
            cautious.forEach { if waiting.contains($0) { touch($0) } }
        }
        hasMoreIdle = false
        // What every peer has or is getting interests nobody, unless a seed is a child too.
        if !fresh.isEmpty, seeds.allSatisfy({ !waiting.contains($0) }) { forgetSaturated() }
        serveWaiting(now: now, elapsed: elapsed, into: &output, using: &chance)
        serveDirty(now: now, elapsed: elapsed, into: &output, using: &chance)
        for child in dirty { peers[child].isDirty = false }
        dirty.removeAll(keepingCapacity: true)
        fresh.removeAll()
        return output
    }

    private mutating func forgetSaturated() {
        for index in fresh.words.indices where fresh.words[index] != 0 {
            let saturated = supply.among(fresh.words[index], at: index, thereAre: ordinaryPeers)
            if saturated != 0 { fresh.set(word: index, fresh.words[index] & ~saturated) }
        }
    }

    /// Nothing fresh is left to give: only the children that have changed are looked at.
    private mutating func serveDirty(
        now: SchedulerInstant,
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) {
        var queue = BinaryHeap<Turn>()
        for child in dirty where waiting.contains(child) {
            queue.insert(Turn(load: load(of: child), child: child))
        }
        while hasOffer, let turn = queue.popMin() {
            guard serve(turn.child, now: now, elapsed: elapsed, into: &output, using: &chance) else { continue }
            if appetite(of: turn.child) > 0 { queue.insert(Turn(load: turn.load + 1, child: turn.child)) }
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
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) {
        guard hasFreshOffer else { return }
        var offers = FreshOffers(siteCount: sites.count)
        var next = waiting.lowest(from: 0)
        while let load = next {
            guard mayLackOffered(load) else { return }
            var index = 0
            while index < waiting.buckets[load].count {
                let child = waiting.buckets[load][index]
                let isWorthALook = peers[child].isDirty || lacksOffered(child, &offers)
                guard isWorthALook, serve(child, now: now, elapsed: elapsed, into: &output, using: &chance) else {
                    index += 1
                    continue
                }
                // Served, it has moved on and another one stands here.
                offers.forget()
                guard hasFreshOffer else { return }
            }
            next = waiting.lowest(from: load + 1)
        }
    }

    /// Whether anybody has a free slot for anything.
    private var hasOffer: Bool { !idleCopies.present.isEmpty || seeds.contains { freeSlots($0) > 0 } }

    /// What is fresh for the children of each site, as far as anybody has asked.
    private struct FreshOffers {
        /// The last one is for children without a site, and for those that keep away from somebody.
        var words: [[UInt64]]
        var isKnown: [Bool]

        init(siteCount: Int) {
            words = Array(repeating: [], count: siteCount + 1)
            isKnown = Array(repeating: false, count: siteCount + 1)
        }

        mutating func forget() { for index in isKnown.indices { isKnown[index] = false } }
    }

    /// Whether children that have or are getting so many pieces may lack any of the fresh ones.
    ///
    /// Who has as many as the peers have among them lacks only what none of them has.
    private func mayLackOffered(_ load: Int) -> Bool {
        guard load < pieceCount else { return false }
        guard seeds.allSatisfy({ !waiting.contains($0) }) else { return true }
        return load < pieceCount - uninjected.count || hasUninjectedOffer
    }

    private var hasUninjectedOffer: Bool {
        seeds.contains { seed in
            freeSlots(seed) > 0
                && fresh.words.indices.contains {
                    fresh.words[$0] & uninjected.word($0) & holdings.word($0, at: seed) != 0
                }
        }
    }

    private func lacksOffered(_ child: Int, _ offers: inout FreshOffers) -> Bool {
        let site = sites.isEmpty ? nil : boundSite(of: child)
        let index = site ?? offers.words.count - 1
        if !offers.isKnown[index] {
            offers.words[index] = freshOffer(site)
            offers.isKnown[index] = true
        }
        return lacks(offers.words[index], at: child)
    }

    private var hasFreshOffer: Bool {
        fresh.words.indices.contains { fresh.words[$0] != 0 && offered($0, to: nil) & fresh.words[$0] != 0 }
    }

    /// The fresh pieces that somebody with a free slot may give to the children of a site.
    private func freshOffer(_ site: Int?) -> [UInt64] {
        fresh.words.indices.map { fresh.words[$0] == 0 ? 0 : offered($0, to: site) & fresh.words[$0] }
    }

    private func offered(_ index: Int, to site: Int?) -> UInt64 {
        seeds.reduce(servable(index, for: site)) { offered, seed in
            offered | holdings.word(index, at: seed) & repeatable(index, from: seed) & within(index, site, of: seed)
        }
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
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) -> Bool {
        guard appetite(of: child) > 0, hasMoreToFetch(child),
            let choice = choice(for: child, now: now, using: &chance)
        else { return false }
        peers[child].wanted -= 1
        assign(choice, to: child, now: now, elapsed: elapsed, into: &output, using: &chance)
        // It may stand further ahead now than those who are being looked at.
        if isPoorParent(child) || isFruitless(child) { touch(child) }
        return true
    }

    mutating func assign(
        _ choice: Choice,
        to child: Int,
        now: SchedulerInstant,
        elapsed: Int64,
        into output: inout SchedulerOutput,
        using chance: inout SplitMix64
    ) {
        begin(choice.piece, at: child, from: choice.parent, start: elapsed)
        // Whatever patience the child itself is shown: others wait for the parent, too.
        let patience = patienceOfOthers(with: child, factor: configuration.endgameFactor)
        watch(peers[child].transfers.count - 1, of: child, at: elapsed + patience)
        output.assignments.append(
            Assignment(
                peer: peers[child].id,
                piece: PieceIndex(choice.piece),
                parent: peers[choice.parent].id,
                alternates: alternates(to: choice, for: child, now: now, using: &chance)
            )
        )
    }
}
