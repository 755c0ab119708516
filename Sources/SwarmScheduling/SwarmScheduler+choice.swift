import Content

/// Which piece, and from whom.
extension SwarmScheduler {
    /// What one child is to fetch next.
    struct Choice {
        let piece: Int
        let parent: Int
    }

    /// The next piece for a child and its parent; nil where nobody with a free slot holds a piece it lacks.
    mutating func choice(
        for child: Int,
        now: SchedulerInstant,
        using chance: inout SplitMix64
    ) -> Choice? {
        if let choice = readAhead(for: child, now: now, using: &chance) { return choice }
        let words = pieceWords
        let site = boundSite(of: child)
        // Alone there is nobody to be different from: in order, which is what disks, hashers and readers like.
        let start =
            ordinaryPeers == 1 ? min(peers[child].reader ?? 0, pieceCount - 1) : chance.below(pieceCount)
        for seed in seeds where !uninjected.isEmpty && seed != child && mayInject(seed, to: child) {
            var found: Int?
            BitSet.walk(words: words, from: start) {
                holdings.word($0, at: seed) & uninjected.word($0) & lacking($0, at: child)
            } visit: { piece in
                guard !avoids(child, parent: seed, piece: piece, now: now) else { return false }
                found = piece
                return true
            }
            if let found { return Choice(piece: found, parent: seed) }
        }
        if peers[child].restriction == .anyParent, !idleCopies.present.isEmpty {
            for index in 0..<words { candidates[index] = servable(index, for: site) & lacking(index, at: child) }
            while let piece = supply.rarest(of: candidates, from: start) {
                if let parent = idleHolder(of: piece, for: child, now: now, using: &chance) {
                    return Choice(piece: piece, parent: parent)
                }
                // Its holders are avoided by this child, which is rare.
                candidates[piece >> 6] &= ~(1 << UInt64(piece & 63))
            }
        }
        for seed in seeds where seed != child && mayRepeat(seed, to: child) {
            for index in 0..<words {
                candidates[index] =
                    holdings.word(index, at: seed) & lacking(index, at: child) & within(index, site, of: seed)
            }
            while let piece = supply.rarest(of: candidates, from: start) {
                if !avoids(child, parent: seed, piece: piece, now: now) { return Choice(piece: piece, parent: seed) }
                candidates[piece >> 6] &= ~(1 << UInt64(piece & 63))
            }
        }
        return nil
    }

    /// The site within which a child gets what is there; nil: it takes from everybody.
    ///
    /// Whoever keeps away from somebody may find nobody else at its site, and whoever only a seed may serve finds nobody there.
    func boundSite(of child: Int) -> Int? {
        cautious.contains(child) || peers[child].restriction == .seedOnly ? nil : peers[child].site
    }

    /// Which of 64 pieces peers with a free slot may give to a child of a site: from elsewhere only what is not there and
    /// not on its way there.
    func servable(_ index: Int, for site: Int?) -> UInt64 {
        let all = idleCopies.present.word(index)
        guard let site else { return all }
        return sites[site].idleCopies.present.word(index) | all & ~sites[site].supply.present.word(index)
    }

    /// Which of 64 pieces a seed may give to a child of a site.
    func within(_ index: Int, _ site: Int?, of seed: Int) -> UInt64 {
        guard let site, let other = peers[seed].site, site != other else { return .max }
        return ~sites[site].supply.present.word(index)
    }

    /// The first missing piece just ahead of the reader, from wherever it can be had.
    private func readAhead(
        for child: Int,
        now: SchedulerInstant,
        using chance: inout SplitMix64
    ) -> Choice? {
        guard let reader = peers[child].reader, reader < pieceCount else { return nil }
        for piece in reader..<min(reader + configuration.readerWindow, pieceCount)
        where lacking(piece >> 6, at: child) >> UInt64(piece & 63) & 1 != 0 {
            let parent = anyParent(of: piece, for: child, now: now, using: &chance)
            if let parent, peers[parent].role == .peer || uninjected.contains(piece) || mayRepeat(parent, to: child) {
                return Choice(piece: piece, parent: parent)
            }
        }
        return nil
    }

    /// Anybody with a free slot that holds a piece: peers first, then the seed.
    func anyParent(
        of piece: Int,
        for child: Int,
        except excluded: Int? = nil,
        now: SchedulerInstant,
        using chance: inout SplitMix64
    ) -> Int? {
        if peers[child].restriction == .anyParent,
            let parent = idleHolder(of: piece, for: child, except: excluded, now: now, using: &chance)
        {
            return parent
        }
        return seeds.first {
            $0 != child && $0 != excluded && holdings.contains(piece, at: $0) && freeSlots($0) > 0
                && !avoids(child, parent: $0, piece: piece, now: now)
        }
    }

    /// Whether the seed gives a child what no other peer has: not one that would pass it on late, as long as there is
    /// anything else to do.
    private func mayInject(_ seed: Int, to child: Int) -> Bool {
        freeSlots(seed) > 0 && (!isPoorParent(child) || peers[seed].promptLine == 0)
    }

    /// Whether the seed has capacity to spare for a piece that some peer already has or is getting.
    private func mayRepeat(_ seed: Int, to child: Int) -> Bool {
        freeSlots(seed) > 0
            && (peers[seed].promptLine < configuration.seedRepeatLine || peers[child].restriction == .seedOnly)
    }

    /// A peer with a free slot that holds a piece: one of the child's host, rack or site if there is any, and within a
    /// site of two at random the better one.
    private func idleHolder(
        of piece: Int,
        for child: Int,
        except excluded: Int? = nil,
        now: SchedulerInstant,
        using chance: inout SplitMix64
    ) -> Int? {
        guard idleCopies.present.contains(piece) else { return nil }
        for number in peers[child].neighbourhoods {
            let found = neighbourhoods.first(in: number, using: &chance) {
                idle.contains($0) && holders[piece].contains($0) && !peers[$0].isSlow
                    && isSuitable($0, for: child, piece: piece, except: excluded, now: now)
            }
            if let found { return found }
        }
        if let site = peers[child].site, sites[site].idleCopies.present.contains(piece) {
            let found = better(of: sites[site].idleCopies[piece], using: &chance) { start in
                PlaceSet.first(in: idle, holders[piece], sites[site].members, from: start) {
                    isSuitable($0, for: child, piece: piece, except: excluded, now: now)
                }
            }
            if let found { return found }
        }
        return better(of: idleCopies[piece], using: &chance) { start in
            PlaceSet.first(in: idle, holders[piece], from: start) {
                isSuitable($0, for: child, piece: piece, except: excluded, now: now)
            }
        }
    }

    private func isSuitable(
        _ place: Int,
        for child: Int,
        piece: Int,
        except excluded: Int?,
        now: SchedulerInstant
    ) -> Bool {
        place != child && place != excluded && !avoids(child, parent: place, piece: piece, now: now)
    }

    /// The better of two that are found from random places on.
    private func better(
        of count: Int,
        using chance: inout SplitMix64,
        from start: (Int) -> Int?
    ) -> Int? {
        var best: Int?
        for draw in 0..<4 {
            // As many again, where those drawn so far are slow.
            if draw >= 2, best.map({ !peers[$0].isSlow }) ?? true { break }
            guard let place = start(chance.below(peers.count)) else { break }
            if best.map({ isBetter(place, than: $0) }) ?? true { best = place }
            if count == 1 { break }
        }
        return best
    }

    private func isBetter(_ parent: Int, than other: Int) -> Bool {
        peers[parent].isSlow == peers[other].isSlow
            ? peers[parent].line.count < peers[other].line.count : !peers[parent].isSlow
    }

    /// Whether a child keeps away from a parent for now.
    func avoids(_ child: Int, parent: Int, piece: Int, now: SchedulerInstant) -> Bool {
        !peers[child].avoidance.isEmpty
            && peers[child].avoidance.forbids(piece, place: parent, birth: peers[parent].birth, now: now)
    }

    /// Who else a child may ask for a piece: other holders at random, and the seed as the last.
    func alternates(
        to choice: Choice,
        for child: Int,
        now: SchedulerInstant,
        using chance: inout SplitMix64
    ) -> [PeerID] {
        let seed = seeds.first { $0 != choice.parent && $0 != child && holdings.contains(choice.piece, at: $0) }
        let wanted = configuration.alternates - (seed == nil ? 0 : 1)
        var others: [PeerID] = []
        others.reserveCapacity(configuration.alternates)
        if wanted > 0, holders[choice.piece].count > 1, peers[child].restriction == .anyParent {
            holders[choice.piece].walk(from: chance.below(peers.count)) { place in
                if place != choice.parent, place != child, peers[place].role == .peer, !peers[place].health.isBarred,
                    !avoids(child, parent: place, piece: choice.piece, now: now)
                {
                    others.append(peers[place].id)
                }
                return others.count == wanted
            }
        }
        if configuration.alternates > 0, let seed { others.append(peers[seed].id) }
        return others
    }
}
