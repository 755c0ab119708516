package import Content

/// Decides which peer of one swarm fetches which piece from whom: one generation of one task.
///
/// A pure value: events come in, ``schedule(now:using:)`` gives out what follows from them. The policy: those with the
/// fewest pieces first; for each the rarest piece that somebody with a free slot holds, copies on their way counted; the
/// holder at random, the shorter of two lines; the seed injects what no peer has yet been given, and repeats only with
/// capacity to spare.
///
/// A child that was looked at in vain is looked at again only against what is fresh since: pieces of which one holder has
/// got a free slot, or whose last copy was lost. So an event costs a few words of bitmaps, not a walk over all peers.
package struct SwarmScheduler: Sendable {
    /// What it was told to do differently.
    package let configuration: SchedulerConfiguration
    let firstPatience: Int64
    let leastPatience: Int64
    /// How many pieces are known.
    package internal(set) var pieceCount = 0

    var peers: [SwarmPeer] = []
    private var places: [PeerID: Int] = [:]
    private var vacancies: [Int] = []
    private var births = 0
    private var lastFound = 0
    private var epoch: SchedulerInstant?
    /// The places of the seeds.
    private(set) var seeds: [Int] = []
    /// How many of the peers are no seeds.
    private(set) var ordinaryPeers = 0

    /// The places of a piece's holders, seeds among them.
    var holders: [PlaceSet] = []
    /// How many copies the peers hold or are getting in good time; seeds' own are not counted.
    var supply = PieceCounters()
    /// Their sum.
    var copies = 0
    /// The pieces without such a copy.
    var uninjected = BitSet()
    /// The places of peers that hold something and have a free slot.
    var idle = PlaceSet()
    /// How many of the idle hold a piece.
    var idleCopies = PieceCounters()
    /// The pieces that may have become available to children that wait for them.
    var fresh = BitSet()

    /// What each peer holds.
    var holdings = PieceTable()
    /// What each peer holds or is getting.
    var covers = PieceTable()
    var waiting = WaitingQueue()
    /// The places of children that only a seed may serve.
    var seedOnly = BitSet()
    /// The pieces that children want which do not want all, by the places of these children.
    var wishes: [Int: BitSet] = [:]
    /// The places of children that keep away from somebody.
    var cautious = BitSet()
    /// Whether somebody has become idle since the last decision.
    var hasMoreIdle = false
    /// Children to be looked at against everything.
    var dirty: [Int] = []

    var alarms = BinaryHeap<Alarm>()
    var serials = 0
    var transferCount = 0
    /// The sites by name, and by number.
    private var siteNumbers: [String: Int] = [:]
    var sites: [Site] = []
    var neighbourhoods = Neighbourhoods()
    var seedPace: Pace
    /// From the end of a seed's body to the beginning of the next one where none waits, in nanoseconds.
    var seedGap: Int64?
    /// The transfers that ended since the last decision.
    var ended: [EndedTransfer] = []
    /// What children get in the longest time that can be told (`Int64.max` nanoseconds), in pieces.
    var rates = ClippedMean()
    /// How long everything but the body takes with them, in nanoseconds.
    var delays = ClippedMean()
    /// The places of peers that may have something against them.
    var conspicuous = BitSet()
    /// What events brought about before the next decision.
    var pending = SchedulerOutput()
    /// The pieces among which a choice is being made.
    var candidates: [UInt64] = []

    /// An empty swarm.
    package init(_ configuration: SchedulerConfiguration = SchedulerConfiguration()) {
        self.configuration = configuration
        firstPatience = configuration.firstPatience.inNanoseconds
        leastPatience = configuration.leastPatience.inNanoseconds
        seedPace = Pace(start: configuration.seedStart, step: 0.1)
    }

    /// How many words a set of pieces takes.
    var pieceWords: Int { (pieceCount + 63) / 64 }

    /// How many peers are in the swarm, seeds among them.
    package var peerCount: Int { places.count }

    /// Tells how many pieces there are, or as long as the length is unknown, how many there are so far.
    ///
    /// A smaller number than before changes nothing.
    package mutating func learn(pieceCount count: Int) {
        guard count > pieceCount else { return }
        for piece in pieceCount..<count { uninjected.insert(piece) }
        let more = count - pieceCount
        holders.append(contentsOf: repeatElement(PlaceSet(), count: more))
        supply.learn(pieceCount: count)
        candidates = Array(repeating: 0, count: (count + 63) / 64)
        idleCopies.learn(pieceCount: count)
        holdings.learn(pieceCount: count)
        covers.learn(pieceCount: count)
        for index in sites.indices { sites[index].learn(pieceCount: count) }
        pieceCount = count
    }

    /// Peers of further sites count as near to everybody.
    private static let mostSites = 256

    private mutating func site(_ labels: PeerLabels) -> Int? {
        guard let name = labels.site else { return nil }
        if let known = siteNumbers[name] { return known }
        guard sites.count < Self.mostSites else { return nil }
        siteNumbers[name] = sites.count
        sites.append(Site())
        sites[sites.count - 1].learn(pieceCount: pieceCount)
        return sites.count - 1
    }

    /// A peer is there, with what it holds.
    ///
    /// A known one starts anew, but stands as it did. What a seed holds makes pieces known; what a peer claims beyond the known ones is left
    /// out.
    package mutating func join(
        _ peer: PeerID,
        as role: PeerRole,
        holding: PieceSet = [],
        labels: PeerLabels = PeerLabels()
    ) {
        let health = role == .peer ? self.place(of: peer).map { peers[$0].health } : nil
        leave(peer)
        births += 1
        var joined = SwarmPeer(id: peer, site: site(labels), role: role, birth: births, pace: newPace)
        if let health { joined.health = health }
        let place: Int
        if let vacancy = vacancies.popLast() {
            place = vacancy
            peers[place] = joined
        } else {
            place = peers.count
            peers.append(joined)
        }
        places[peer] = place
        if role == .seed { seeds.append(place) } else { ordinaryPeers += 1 }
        if role == .peer {
            if let site = joined.site { sites[site].members.insert(place) }
            peers[place].neighbourhoods = labels.neighbourhoods.map { neighbourhoods.enter(place, name: $0) }
        }
        if health != nil { conspicuous.insert(place) }
        if joined.health.isResting, let end = joined.health.restsUntil {
            alarms.insert(Alarm(at: end, matter: .rest(parent: place, birth: births)))
        }
        refreshIdle(place)
        if role == .seed, let last = holding.last { learn(pieceCount: last.value + 1) }
        for piece in holding where piece.value < pieceCount { hold(piece.value, at: place) }
    }

    /// A peer is gone: what was on its way to it is forgotten, and what it was to send comes from elsewhere.
    package mutating func leave(_ peer: PeerID) {
        guard let place = places.removeValue(forKey: peer) else { return }
        for transfer in peers[place].transfers { release(transfer, at: place) }
        emptyLine(of: place)
        setIdle(place, false)
        for index in 0..<pieceWords {
            var rest = holdings.word(index, at: place)
            while rest != 0 {
                drop(index << 6 + rest.trailingZeroBitCount, at: place)
                rest &= rest - 1
            }
        }
        if peers[place].role == .seed {
            seeds.removeAll { $0 == place }
        } else {
            ordinaryPeers -= 1
            // Each of the others has a larger share of the seed now.
            for seed in seeds { refresh(heldBy: seed) }
        }
        waiting.update(place, load: nil)
        if let site = peers[place].site { sites[site].members.remove(place) }
        for number in peers[place].neighbourhoods { neighbourhoods.leave(place, group: number) }
        seedOnly.remove(place)
        wishes[place] = nil
        cautious.remove(place)
        conspicuous.remove(place)
        forgetTimes(of: place)
        peers[place] = SwarmPeer(id: peer, site: nil, role: .peer, birth: -1, pace: newPace)
        vacancies.append(place)
    }

    private var newPace: Pace { Pace(start: configuration.childStart, step: 0.02) }

    /// Where a peer stands in `peers`.
    func place(of peer: PeerID) -> Int? { places[peer] }

    /// The same; most events come several at a time of one peer.
    mutating func find(_ peer: PeerID) -> Int? {
        if lastFound < peers.count, peers[lastFound].id == peer, !peers[lastFound].isVacant { return lastFound }
        guard let place = places[peer] else { return nil }
        lastFound = place
        return place
    }

    /// Nanoseconds since the first time that anything was told: internal times are numbers, which are compared and kept
    /// more cheaply.
    mutating func elapsed(_ now: SchedulerInstant) -> Int64 {
        let epoch = epoch ?? now
        self.epoch = epoch
        return (now - epoch).inNanoseconds
    }

    /// The time that many nanoseconds after the first one.
    func instant(after elapsed: Int64) -> SchedulerInstant? { epoch.map { $0 + .nanoseconds(elapsed) } }
}
