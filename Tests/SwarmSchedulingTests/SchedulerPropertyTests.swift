import Content
import TestSupport
import Testing

@testable import SwarmScheduling

@Suite("Scheduler under random events")
struct SchedulerPropertyTests {
    @Test("what is handed out is right, and nobody waits for what somebody could give", arguments: 0..<16)
    func randomEvents(seed: Int) async {
        let (faults, handedOut) = await onOwnThread {
            var world = RandomWorld(seed: seed)
            for step in 0..<600 {
                for _ in 0..<Int.random(in: 1...3, using: &world.generator) { world.disturb() }
                let faults = world.schedule()
                if !faults.isEmpty { return ("step \(step): \(faults.prefix(3))", world.handedOut) }
            }
            return ("", world.handedOut)
        }
        #expect(faults == "")
        #expect(handedOut > 100)
    }
}

/// A swarm that random events happen to, with its own idea of what is under way.
struct RandomWorld {
    var generator: SeededGenerator
    private(set) var handedOut = 0
    var scheduler: SwarmScheduler
    var now = ContinuousClock.now
    let seedPeer: PeerID
    var joined: [PeerID] = []
    var held: [PeerID: PieceSet] = [:]
    var underWay: [PeerID: [PieceIndex: PeerID?]] = [:]
    var restricted: Set<PeerID> = []
    private var blocked: Set<PeerID> = []
    var readers: [PeerID: PieceIndex] = [:]
    /// What peers want that do not want all.
    private var wishes: [PeerID: PieceSet] = [:]
    private let pieceCount: Int
    /// Where each peer stands, and what is known of times there.
    var sites: [PeerID: String] = [:]
    var times = TransferTimes()
    /// How many wait at each parent, and the copies at peers of each piece: counted once after each decision.
    private var lines: [PeerID: Int] = [:]
    var copies: [Int] = []

    init(seed: Int) {
        generator = SeededGenerator(seed)
        var configuration = SchedulerConfiguration()
        configuration.peerSlots = Int.random(in: 1...4, using: &generator)
        configuration.mostPeerSlots = Int.random(in: 4...8, using: &generator)
        configuration.childStart = Int.random(in: 1...16, using: &generator)
        configuration.seedSlots = Int.random(in: 1...16, using: &generator)
        configuration.seedStart = Int.random(in: 1...4, using: &generator)
        configuration.seedRepeatLine = Int.random(in: 1...4, using: &generator)
        scheduler = SwarmScheduler(configuration)
        pieceCount = Int.random(in: 1...150, using: &generator)
        seedPeer = PeerID(using: &generator)
        if Bool.random(using: &generator) { scheduler.learn(pieceCount: pieceCount) }
        join(seedPeer, as: .seed)
    }

    private mutating func join(_ peer: PeerID, as role: PeerRole) {
        var holding = PieceSet()
        let share = Int.random(in: 0...4, using: &generator)
        for piece in 0..<scheduler.pieceCount where Int.random(in: 0..<8, using: &generator) < share {
            holding.insert(PieceIndex(piece))
        }
        let site = ["a", "b", nil].randomElement(using: &generator) ?? nil
        sites[peer] = site
        times.forget(peer)
        scheduler.join(peer, as: role, holding: holding, labels: PeerLabels(site: site))
        if !joined.contains(peer) { joined.append(peer) }
        held[peer] = holding
        underWay[peer] = [:]
        restricted.remove(peer)
        readers[peer] = nil
        wishes[peer] = nil
    }

    private mutating func somePeer() -> PeerID { joined.randomElement(using: &generator) ?? seedPeer }

    mutating func disturb() {
        now += .milliseconds(Int.random(in: 0...40, using: &generator))
        let peer = somePeer()
        let transfer = underWay[peer]?.keys.sorted().randomElement(using: &generator)
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<4:
            if joined.count < 14 { join(PeerID(using: &generator), as: .peer) }
        case 4: join(peer, as: peer == seedPeer ? .seed : .peer)
        case 5..<7:
            guard peer != seedPeer else { return }
            scheduler.leave(peer)
            joined.removeAll { $0 == peer }
            blocked.remove(peer)
            held[peer] = nil
            underWay[peer] = nil
        case 7..<15: finish(PieceIndex(Int.random(in: 0..<pieceCount, using: &generator)), by: seedPeer, from: nil)
        case 15..<50:
            guard let transfer, let parent = underWay[peer]?[transfer] else { return }
            finish(transfer, by: peer, from: Bool.random(using: &generator) ? parent : somePeer())
        case 50..<58:
            guard let transfer, let parent = underWay[peer]?[transfer], let parent,
                let reason = FailureReason.allCases.randomElement(using: &generator)
            else { return }
            scheduler.failed(transfer, by: peer, from: parent, reason: reason, at: now)
            underWay[peer]?[transfer] = nil
            times.failed(transfer, by: peer)
        case 58..<60:
            let piece = PieceIndex(Int.random(in: 0..<(pieceCount + 3), using: &generator))
            let stranger = Bool.random(using: &generator) ? somePeer() : PeerID(using: &generator)
            if let parent = underWay[peer]?[piece], parent == stranger { return }
            scheduler.failed(piece, by: peer, from: stranger, reason: .wrongBytes, at: now)
            times.failed(piece, by: peer)
            if case .some(nil) = underWay[peer]?[piece] { underWay[peer]?[piece] = nil }
        case 60..<64: wish(peer)
        case 64..<83: scheduler.wants(peer, Int.random(in: -1...6, using: &generator))
        case 83..<85:
            let isBlocked = Int.random(in: 0..<3, using: &generator) > 0
            scheduler.block(peer, isBlocked)
            if peer != seedPeer, isBlocked { blocked.insert(peer) } else { blocked.remove(peer) }
        case 85..<89:
            let piece = PieceIndex(Int.random(in: 0..<(pieceCount + 3), using: &generator))
            readers[peer] = Bool.random(using: &generator) ? piece : nil
            scheduler.reader(peer, at: readers[peer])
        case 89..<91:
            let isOnlySeed = Int.random(in: 0..<4, using: &generator) == 0
            scheduler.restrict(peer, isOnlySeed ? .seedOnly : .anyParent)
            if isOnlySeed { restricted.insert(peer) } else { restricted.remove(peer) }
        case 91..<95: reconcile(peer)
        case 95:
            guard let transfer else { return }
            if Bool.random(using: &generator) {
                scheduler.ending(transfer, by: peer)
            } else {
                scheduler.late(transfer, by: peer)
            }
        case 96:
            guard let piece = held[peer].flatMap({ Array($0).randomElement(using: &generator) }) else { return }
            scheduler.lost(piece, by: peer)
            held[peer]?.remove(piece)
        case 97: now += .seconds(Int.random(in: 1...20, using: &generator))
        default: if let deadline = scheduler.nextDeadline { now = max(now, deadline) }
        }
    }

    /// A peer wants a few pieces only, one that there is not perhaps among them, or all again.
    private mutating func wish(_ peer: PeerID) {
        var wish: PieceSet?
        if Int.random(in: 0..<3, using: &generator) > 0 {
            let share = Int.random(in: 0...8, using: &generator)
            wish = PieceSet()
            for piece in 0..<(pieceCount + 3) where Int.random(in: 0..<8, using: &generator) < share {
                wish?.insert(PieceIndex(piece))
            }
        }
        wishes[peer] = wish
        scheduler.wants(peer, only: wish)
    }

    private func isWanted(_ piece: PieceIndex, by peer: PeerID) -> Bool { wishes[peer]?.contains(piece) ?? true }

    private mutating func finish(_ piece: PieceIndex, by peer: PeerID, from parent: PeerID?) {
        let timing = TransferTiming(
            body: .milliseconds(Int.random(in: 0...60, using: &generator)),
            queued: .milliseconds(Int.random(in: 0...20, using: &generator))
        )
        scheduler.finished(piece, by: peer, from: parent, timing: Bool.random(using: &generator) ? timing : nil)
        held[peer]?.insert(piece)
        times.finished(piece, by: peer)
        underWay[peer]?[piece] = nil
    }

    private mutating func reconcile(_ peer: PeerID) {
        var told = PieceSet()
        for piece in (underWay[peer] ?? [:]).keys.sorted() where Int.random(in: 0..<3, using: &generator) > 0 {
            told.insert(piece)
        }
        if Bool.random(using: &generator) {
            told.insert(PieceIndex(Int.random(in: 0..<(pieceCount + 3), using: &generator)))
        }
        scheduler.reconcile(peer, outstanding: told)
        for piece in (underWay[peer] ?? [:]).keys where !told.contains(piece) {
            underWay[peer]?[piece] = nil
            times.failed(piece, by: peer)
        }
        for piece in told where piece.value < scheduler.pieceCount && held[peer]?.contains(piece) == false {
            if underWay[peer]?[piece] == nil { underWay[peer]?[piece] = .some(nil) }
        }
    }

    /// Returns what is wrong with what was decided.
    mutating func schedule() -> [String] {
        var faults: [String] = []
        let output = scheduler.schedule(now: now, using: &generator)
        times.decided(at: now)
        for cancelled in output.cancellations {
            underWay[cancelled.peer]?[cancelled.piece] = nil
            times.failed(cancelled.piece, by: cancelled.peer)
        }
        for assignment in output.assignments {
            handedOut += 1
            let child = assignment.peer
            if assignment.parent == child { faults.append("own parent") }
            if held[child]?.contains(assignment.piece) != false { faults.append("holds it, or is gone") }
            if underWay[child]?[assignment.piece] != nil { faults.append("under way already: \(assignment.piece)") }
            if held[assignment.parent]?.contains(assignment.piece) != true { faults.append("parent lacks it") }
            if !isWanted(assignment.piece, by: child) { faults.append("nobody wants it: \(assignment.piece)") }
            if blocked.contains(assignment.parent) { faults.append("a blocked parent") }
            if restricted.contains(child), assignment.parent != seedPeer { faults.append("restricted to the seed") }
            for alternate in assignment.alternates
            where held[alternate]?.contains(assignment.piece) != true || alternate == child
                || alternate == assignment.parent || blocked.contains(alternate)
            {
                faults.append("bad alternate")
            }
            faults += crossingFaults(assignment)
            underWay[child]?[assignment.piece] = .some(assignment.parent)
            times.began(assignment.piece, by: child, at: now)
        }
        count()
        faults += output.assignments.compactMap { nearnessFault($0) }
        return faults + lineFaults() + idleFaults() + counterFaults() + standingFaults()
    }

    private func isToBeServed(_ child: Int) -> Bool {
        let peer = scheduler.peers[child]
        return peer.wanted > 0 && peer.promptTransfers < Int(peer.pace.limit)
    }

    private mutating func count() {
        lines = [:]
        copies = Array(repeating: 0, count: scheduler.pieceCount)
        for peer in joined {
            for (piece, parent) in underWay[peer] ?? [:] {
                if let parent { lines[parent, default: 0] += 1 }
                if peer != seedPeer, isPromised(piece, to: peer) { copies[piece.value] += 1 }
            }
            if peer != seedPeer { for piece in held[peer] ?? [] { copies[piece.value] += 1 } }
        }
    }

    /// Whether others wait for a piece that is under way.
    func isPromised(_ piece: PieceIndex, to child: PeerID) -> Bool {
        guard let place = scheduler.place(of: child) else { return false }
        return scheduler.transfer(of: piece.value, at: place)?.isPromised == true
    }

    private func line(_ parent: PeerID) -> Int { lines[parent] ?? 0 }

    /// How many of these still count.
    func promptLine(_ parent: PeerID) -> Int {
        line(parent) - (scheduler.place(of: parent).map { scheduler.peers[$0].discounted } ?? 0)
    }

    func slots(_ parent: PeerID) -> Int {
        guard let place = scheduler.place(of: parent) else { return 0 }
        let configuration = scheduler.configuration
        if parent == seedPeer { return scheduler.seedSlots }
        let health = scheduler.peers[place].health
        return health.isBarred
            ? 0
            : health.isOnProbation
                ? 1 : min(max(configuration.peerSlots, scheduler.slotsForGap(of: place)), configuration.mostPeerSlots)
    }

    private func lineFaults() -> [String] {
        joined.compactMap { peer in
            guard let place = scheduler.place(of: peer) else { return "lost" }
            let expected = line(peer)
            if blocked.contains(peer), expected > 0 { return "in line at a blocked parent" }
            if scheduler.peers[place].line.count != expected { return "line \(expected)" }
            // Whoever joins shrinks the others' share of the seed, and neither a rest nor a shorter gap ends what is under
            // way.
            let most = peer == seedPeer ? scheduler.configuration.seedSlots : scheduler.configuration.mostPeerSlots
            let discounted = joined.compactMap { scheduler.place(of: $0) }
                .reduce(0) { $0 + scheduler.peers[$1].transfers.count { $0.isDiscounted && $0.parent == place } }
            guard scheduler.peers[place].discounted == discounted else { return "discounted \(discounted)" }
            return promptLine(peer) > most ? "slots exceeded" : nil
        }
    }

    /// Says who could have been given what.
    private func idleFaults() -> [String] {
        var faults: [String] = []
        let givers = joined.filter { promptLine($0) < slots($0) }
        for (number, child) in joined.enumerated() {
            guard let place = scheduler.place(of: child), isToBeServed(place), let own = held[child]
            else { continue }
            for parent in givers where parent != child {
                guard let from = scheduler.place(of: parent), let offered = held[parent] else { continue }
                for piece in offered.subtracting(own)
                where underWay[child]?[piece] == nil && isWanted(piece, by: child) && mayGive(parent, piece, to: child)
                    && !mayWait(child, for: piece, from: parent)
                    && !scheduler.avoids(place, parent: from, piece: piece.value, now: now)
                {
                    faults.append("\(number) waits for \(piece), seed: \(parent == seedPeer)")
                }
            }
        }
        return faults
    }

    private func mayGive(_ parent: PeerID, _ piece: PieceIndex, to child: PeerID) -> Bool {
        guard parent == seedPeer else { return !restricted.contains(child) }
        if restricted.contains(child) || promptLine(parent) < scheduler.configuration.seedRepeatLine { return true }
        guard let place = scheduler.place(of: child), !scheduler.isPoorParent(place) else { return false }
        return copies[piece.value] == 0
    }

    /// Whoever serves nobody is shown, with the reason.
    private mutating func standingFaults() -> [String] {
        let standings = scheduler.standings(at: now)
        return joined.compactMap { peer in
            guard let health = scheduler.place(of: peer).map({ scheduler.peers[$0].health }) else { return "lost" }
            let state: ParentStanding.State =
                blocked.contains(peer)
                ? .blocked : health.isResting ? .quarantined : health.isOnProbation ? .probation : .healthy
            return (standings[peer]?.state ?? .healthy) == state ? nil : "stands otherwise than \(state)"
        }
    }
}
