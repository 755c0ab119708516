import OriginFetch
import Testing

@Suite struct QuestionLinesTests {
    private let start = ContinuousClock.now
    private var strict: QuestionLines<String> { QuestionLines(.strict(every: .milliseconds(250)), most: 3) }

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start + .milliseconds(milliseconds) }

    @Test("The first question after a quiet time is asked at once")
    func first() {
        var lines = strict
        #expect(lines.enter("a", 1) == .begins)
        #expect(lines.next("a", at: at(0)) == .ask)
        #expect(lines.finish("a") == [1])
        #expect(lines.next("a", at: at(100)) == .pause(until: at(250)))
        #expect(lines.next("a", at: at(250)) == .end)
        #expect(lines.count == 0)
        #expect(lines.enter("a", 2) == .begins)
        #expect(lines.next("a", at: at(251)) == .ask)
    }

    @Test("Who comes while a request is under way waits for one that begins after he came, together with all others")
    func strictness() {
        var lines = strict
        _ = lines.enter("a", 1)
        #expect(lines.next("a", at: at(0)) == .ask)
        for ticket in 2...100 { #expect(lines.enter("a", ticket) == .waits) }
        #expect(lines.finish("a") == [1])
        #expect(lines.next("a", at: at(400)) == .ask)
        #expect(lines.enter("a", 101) == .waits)
        #expect(lines.finish("a") == Set(2...100))
        #expect(lines.next("a", at: at(410)) == .pause(until: at(650)))
        #expect(lines.next("a", at: at(650)) == .ask)
        #expect(lines.finish("a") == [101])
    }

    @Test("Requests for one key begin at most every 250 ms, and those of others do not wait for it")
    func pace() {
        var lines = strict
        _ = lines.enter("a", 1)
        #expect(lines.next("a", at: at(0)) == .ask)
        #expect(lines.finish("a") == [1])
        // A quick origin is not asked faster than that.
        #expect(lines.enter("a", 2) == .waits)
        #expect(lines.next("a", at: at(5)) == .pause(until: at(250)))
        #expect(lines.enter("b", 3) == .begins)
        #expect(lines.next("b", at: at(6)) == .ask)
        #expect(lines.next("a", at: at(250)) == .ask)
        #expect(lines.finish("a") == [2])
    }

    @Test("However many ask in a second, they cost a handful of requests")
    func handful() {
        var lines = strict
        var (requests, ticket, answered) = (0, 0, 0)
        var now = 0
        var isUnderWay = false
        var wakes = 0
        while now < 1000 {
            ticket += 1
            if lines.enter("a", ticket) == .begins { wakes = now }
            // Each request takes 20 ms.
            if now >= wakes {
                if isUnderWay {
                    answered += lines.finish("a").count
                    isUnderWay = false
                }
                switch lines.next("a", at: at(now)) {
                case .ask:
                    requests += 1
                    isUnderWay = true
                    wakes = now + 20
                case .pause(let until): wakes = Int(start.duration(to: until) / .milliseconds(1))
                case .end: break
                }
            }
            now += 1
        }
        #expect(requests == 4)
        #expect(answered > 700)
    }

    @Test("Where joining is allowed, one request answers all that come while it is under way")
    func joining() {
        var lines = QuestionLines<String>(.shared, most: 3)
        #expect(lines.enter("a", 1) == .begins)
        #expect(lines.next("a", at: at(0)) == .ask)
        #expect(lines.enter("a", 2) == .waits)
        #expect(lines.finish("a") == [1, 2])
        #expect(lines.next("a", at: at(0)) == .end)
        #expect(lines.count == 0)
    }

    @Test("Who has gone is not answered; a request that all have left is of no use to who comes then")
    func leaving() {
        var lines = QuestionLines<String>(.shared, most: 3)
        _ = lines.enter("a", 1)
        _ = lines.enter("a", 2)
        #expect(lines.next("a", at: at(0)) == .ask)
        #expect(lines.leave("a", 1) == false)
        #expect(lines.leave("a", 2) == true)
        // It is told once.
        #expect(lines.leave("a", 2) == false)
        #expect(lines.enter("a", 3) == .waits)
        #expect(lines.finish("a") == [])
        #expect(lines.next("a", at: at(1)) == .ask)
        #expect(lines.finish("a") == [3])
    }

    @Test("Who leaves before his request has begun costs none")
    func leavingEarly() {
        var lines = strict
        _ = lines.enter("a", 1)
        #expect(lines.leave("a", 1) == false)
        #expect(lines.next("a", at: at(0)) == .end)
        #expect(lines.leave("a", 1) == false)
        #expect(lines.count == 0)
    }

    @Test("There are so many keys at a time and no more, and a worker that ends leaves nobody behind")
    func bounded() {
        var lines = strict
        for (ticket, key) in ["a", "b", "c"].enumerated() { #expect(lines.enter(key, ticket) == .begins) }
        #expect(lines.enter("d", 9) == .full)
        #expect(lines.enter("a", 10) == .waits)
        #expect(lines.end("a") == [0, 10])
        #expect(lines.enter("d", 11) == .begins)
        #expect(lines.finish("a") == [])
        #expect(lines.next("a", at: at(0)) == .end)
    }
}
