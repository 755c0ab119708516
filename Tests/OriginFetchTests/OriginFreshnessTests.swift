import BackendAPI
import Content
import OriginFetch
import Testing
import WireAPI

@Suite struct OriginFreshnessTests {
    private func record(_ headers: HeaderFields = [:], digest: Digest? = nil) -> OriginRecord {
        OriginRecord(
            url: nil,
            digest: digest,
            freshUntil: 1060,
            generatedAt: 1000,
            headers: headers,
            openAccess: true
        )
    }

    @Test(
        "Content is good as long as its origin says, unless somebody wants it younger or a rule knows better",
        arguments: [
            (1059.0, nil, true), (1060, nil, false), (1010, FreshnessDemand(maxAge: 0), false),
            (1010, FreshnessDemand(maxAge: 11), true), (1010, FreshnessDemand(maxAge: 10), false),
            (1100, FreshnessDemand(lifetime: 101), true), (1100, FreshnessDemand(lifetime: 100), false),
            (1050, FreshnessDemand(lifetime: 10), false), (1100, FreshnessDemand(lifetime: 1000, maxAge: 50), false),
            // A clock that was set back.
            (900, FreshnessDemand(maxAge: 1), true),
        ] as [(Double, FreshnessDemand?, Bool)]
    )
    func freshness(now: Double, demand: FreshnessDemand?, expected: Bool) {
        #expect(record().isFresh(at: now, named: nil, demand) == expected)
    }

    @Test("Only what is asked for by its digest never changes")
    func named() {
        let digest = Digest.of("x")
        let old = FreshnessDemand(maxAge: 0)
        #expect(record(digest: digest).isFresh(at: 9999, named: digest, old))
        // The origin told it of content that is asked for by its URL.
        #expect(!record(digest: digest).isFresh(at: 9999, named: nil))
        #expect(!record(digest: digest).isFresh(at: 9999, named: Digest.of("y")))
    }

    @Test("Whose age nobody knows is never young enough")
    func unknownAge() {
        let record = OriginRecord(url: nil, digest: nil, freshUntil: 2000, openAccess: true)
        #expect(record.isFresh(at: 1000, named: nil))
        #expect(!record.isFresh(at: 1000, named: nil, FreshnessDemand(maxAge: 100)))
        #expect(!record.isFresh(at: 1000, named: nil, FreshnessDemand(lifetime: 100)))
    }

    @Test("A confirmation replaces what it says and leaves what it does not, the body's own fields above all")
    func confirm() {
        var record = record([
            "Date": "old", "X-A": "1", "X-A": "2", "X-B": "1", "Content-Type": "text/plain",
            "Cache-Control": "max-age=60",
        ])
        var head = ContentHead(notModified: true, age: .seconds(5), headers: ["date": "new", "X-A": "3"])
        head.headers.append("Content-Type", "text/html")
        record.confirm(head, at: 2000)
        #expect(record.headers["Date"] == "new")
        #expect(record.headers.values(of: "X-A") == ["3"])
        #expect(record.headers["X-B"] == "1")
        #expect(record.headers.values(of: "Content-Type") == ["text/plain"])
        #expect(record.age(at: 2000) == 5)
        // It said nothing of how long: what was said before holds from now on.
        #expect(record.freshUntil == 2055)
        head.freshness.noCache = true
        record.confirm(head, at: 3000)
        #expect(record.freshUntil == nil)
        head.freshness = Freshness(maxAge: .seconds(10))
        record.confirm(head, at: 4000)
        #expect(record.freshUntil == 4010)
    }

    @Test("Refusals are remembered for their time, each source's apart")
    func refusals() {
        let memory = RecentRefusals(most: 2)
        let start = ContinuousClock.now
        func task(_ name: String) -> TaskID { TaskID(url: name) }
        func refusal(_ name: String, _ source: String, after seconds: Int) -> WireError? {
            memory.refusal(of: task(name), by: Digest.of(source), at: start + .seconds(seconds))
        }
        func remember(_ name: String, at seconds: Int) {
            memory.remember(
                WireError(.notShareable, name),
                of: task(name),
                by: Digest.of("s"),
                at: start + .seconds(seconds),
                until: start + .seconds(seconds + 10)
            )
        }
        remember("a", at: 0)
        #expect(refusal("a", "s", after: 9)?.message == "a")
        #expect(refusal("a", "other", after: 1) == nil)
        #expect(refusal("b", "s", after: 1) == nil)
        #expect(refusal("a", "s", after: 10) == nil)
        for (number, name) in ["a", "b", "c", "d"].enumerated() { remember(name, at: 20 + number) }
        #expect(refusal("d", "s", after: 24) != nil)
    }
}
