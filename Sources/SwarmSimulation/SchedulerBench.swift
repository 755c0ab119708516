import Content
import Glibc
import SwarmScheduling

/// What the scheduler alone costs: one swarm from empty until everybody has everything, driven as a supernode does.
///
/// Each exchange brings what one peer finished and which of its transfers are near their ends, is reconciled, and is
/// followed by a decision. The links are as simple as can be: a parent sends one body after the other, each of which takes
/// a random time. Only the scheduler's calls count, by the processor time of the thread; what happens within a
/// millisecond of the virtual clock is measured at once.
package struct SchedulerBench {
    /// What came of it.
    package struct Result: Sendable {
        /// Pieces handed out, and exchanges taken in.
        package var assignments = 0
        package var exchanges = 0
        /// Processor time within the scheduler.
        package var seconds = 0.0
        /// Milliseconds of the virtual clock until the last piece had come.
        package var milliseconds = 0
        /// Resident memory that the swarm brought about, without the bitmaps.
        package var stateBytes = 0
    }

    private struct News {
        var peer: Int32
        var piece: Int32
        var parent: Int32
        var isEnd: Bool
        var body: Int32
        var queued: Int32
        /// An assignment that was taken back brings no news any more.
        var serial: Int32
        /// The next news of the same millisecond; negative: none.
        var next: Int32 = -1
    }

    private struct Exchange {
        var peer: Int
        var news: Range<Int>
        var outstanding: PieceSet
    }

    private let peers: Int
    private let pieces: Int
    private var scheduler = SwarmScheduler()
    private var generator: SplitMix64
    private var chance: SplitMix64
    private let epoch = ContinuousClock.now
    private var now = 0
    private var result = Result()

    private let identities: [PeerID]
    /// What is to happen in each of the coming milliseconds, round and round: the first of `planned`.
    private var wheel: [Int32]
    private var planned: [News]
    private var vacancies: [Int32]
    /// When each parent has sent what it was asked for.
    private var isFreeAt: [Int]
    private var outstanding: [PieceSet]
    private var serials: [Int32]
    private var serial: Int32 = 0
    private var missing: Int
    private var output: [SchedulerOutput] = []

    /// The mean time of a body, in milliseconds; the seed is four times as fast.
    private static let usualBody = 80
    /// As many pieces as a peer takes at a time; see `peer.window`.
    private static let window = 16
    private static let wheelSize = 1 << 14

    /// A swarm of `peers`, besides the seed.
    package init(peers: Int, pieces: Int, seed: UInt64) {
        self.peers = peers
        self.pieces = pieces
        generator = SplitMix64(seed: seed)
        chance = SplitMix64(seed: ~seed)
        identities = (0...peers).map { Simulation.identity($0) }
        wheel = Array(repeating: -1, count: Self.wheelSize)
        // All memory of the bench itself is in use from the start: what grows is the scheduler.
        let nothing = News(peer: 0, piece: 0, parent: 0, isEnd: false, body: 0, queued: 0, serial: 0)
        planned = Array(repeating: nothing, count: peers * 2 * Self.window)
        vacancies = (0..<Int32(peers * 2 * Self.window)).reversed()
        isFreeAt = Array(repeating: 0, count: peers + 1)
        outstanding = Array(repeating: PieceSet(all: pieces), count: peers + 1)
        serials = Array(repeating: 0, count: (peers + 1) * pieces)
        missing = peers * pieces
    }

    /// Runs it; returns nil if the swarm stood still.
    package mutating func run() -> Result? {
        for peer in outstanding.indices {
            for piece in 0..<pieces { outstanding[peer].remove(PieceIndex(piece)) }
        }
        let before = Self.residentBytes()
        join()
        var lastProgress = 0
        while missing > 0 {
            now += 1
            let before = missing
            exchange()
            if missing < before { lastProgress = now }
            if now - lastProgress > 60_000 { return nil }
        }
        // What each peer holds and covers, the latter once more in one table, and who holds each piece.
        let bitmaps = peers * 3 * ((pieces + 63) / 64 * 8) + pieces * ((peers + 63) / 64 * 8)
        result.stateBytes = Self.residentBytes() - before - bitmaps
        result.milliseconds = now
        return result
    }

    private mutating func join() {
        measured { bench in
            bench.scheduler.join(bench.identities[0], as: .seed, holding: PieceSet(all: bench.pieces))
            for peer in 1...bench.peers {
                bench.scheduler.join(bench.identities[peer], as: .peer)
                bench.scheduler.wants(bench.identities[peer], Self.window)
                bench.schedule()
            }
        }
        handOut()
    }

    /// Takes in what happens in this millisecond, and decides after each peer's news.
    private mutating func exchange() {
        let news = takeNews()
        var exchanges: [Exchange] = []
        var start = 0
        for index in news.indices {
            let peer = Int(news[index].peer)
            if news[index].isEnd {
                outstanding[peer].remove(PieceIndex(Int(news[index].piece)))
                missing -= 1
            }
            guard index + 1 == news.count || news[index + 1].peer != news[index].peer else { continue }
            exchanges.append(Exchange(peer: peer, news: start..<index + 1, outstanding: outstanding[peer]))
            start = index + 1
        }
        result.exchanges += exchanges.count
        // The supernode looks for slow transfers four times a second.
        guard !exchanges.isEmpty || now.isMultiple(of: 250) else { return }
        measured { bench in
            for exchange in exchanges { bench.apply(exchange, news) }
            if bench.now.isMultiple(of: 250) { bench.schedule() }
        }
        handOut()
    }

    private mutating func takeNews() -> [News] {
        var news: [News] = []
        var next = wheel[now & (Self.wheelSize - 1)]
        wheel[now & (Self.wheelSize - 1)] = -1
        while next >= 0 {
            let found = planned[Int(next)]
            vacancies.append(next)
            if serials[Int(found.peer) * pieces + Int(found.piece)] == found.serial { news.append(found) }
            next = found.next
        }
        news.sort { ($0.peer, $0.serial, $0.isEnd ? 1 : 0) < ($1.peer, $1.serial, $1.isEnd ? 1 : 0) }
        return news
    }

    private mutating func plan(_ news: News, at time: Int) {
        let place: Int32
        if let vacancy = vacancies.popLast() {
            place = vacancy
        } else {
            place = Int32(planned.count)
            planned.append(news)
        }
        planned[Int(place)] = news
        planned[Int(place)].next = wheel[time & (Self.wheelSize - 1)]
        wheel[time & (Self.wheelSize - 1)] = place
    }

    private mutating func apply(_ exchange: Exchange, _ news: [News]) {
        let peer = identities[exchange.peer]
        for news in news[exchange.news] {
            let piece = PieceIndex(Int(news.piece))
            guard news.isEnd else {
                scheduler.ending(piece, by: peer)
                continue
            }
            scheduler.finished(
                piece,
                by: peer,
                from: identities[Int(news.parent)],
                timing: TransferTiming(body: .milliseconds(Int(news.body)), queued: .milliseconds(Int(news.queued)))
            )
        }
        scheduler.reconcile(peer, outstanding: exchange.outstanding)
        scheduler.wants(peer, Self.window - exchange.outstanding.count)
        schedule()
    }

    private mutating func schedule() {
        let decided = scheduler.schedule(now: epoch + .milliseconds(now), using: &generator)
        if !decided.isEmpty { output.append(decided) }
    }

    /// What was decided reaches the peers, and their requests the parents, within a millisecond.
    private mutating func handOut() {
        for decided in output {
            for cancellation in decided.cancellations {
                let peer = Int(Simulation.host(cancellation.peer))
                serials[peer * pieces + cancellation.piece.value] = 0
                outstanding[peer].remove(cancellation.piece)
            }
            for assignment in decided.assignments { start(assignment) }
            result.assignments += decided.assignments.count
        }
        output.removeAll(keepingCapacity: true)
    }

    private mutating func start(_ assignment: Assignment) {
        let peer = Int(Simulation.host(assignment.peer))
        let parent = Int(Simulation.host(assignment.parent))
        serial += 1
        serials[peer * pieces + assignment.piece.value] = serial
        outstanding[peer].insert(assignment.piece)
        let usual = parent == 0 ? Self.usualBody / 4 : Self.usualBody
        let body = Int.random(in: usual / 2...usual * 3 / 2, using: &chance)
        let begin = max(now + 1, isFreeAt[parent])
        isFreeAt[parent] = begin + body
        var news = News(
            peer: Int32(peer),
            piece: Int32(assignment.piece.value),
            parent: Int32(parent),
            isEnd: false,
            body: Int32(body),
            queued: Int32(begin - now - 1),
            serial: serial
        )
        let end = min(begin + body, now + Self.wheelSize - 1)
        plan(news, at: end - body / 8)
        news.isEnd = true
        plan(news, at: end)
    }

    private mutating func measured(_ body: (inout Self) -> Void) {
        let start = Self.threadSeconds()
        body(&self)
        result.seconds += Self.threadSeconds() - start
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        return fields.count < 2 ? 0 : (Int(fields[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }
}
