import BackendAPI
import Content
import Testing

@testable import OriginFetch

@Suite struct AccessFactsTests {
    private let now = ContinuousClock.now
    private let times = AccessTimes(asked: .seconds(60), unreachable: .seconds(3600))
    private let key = ContentKey(Digest.of("content"))
    private let anna = CredentialKey(.bearer("anna"))
    private let berta = CredentialKey(.bearer("berta"))

    private func repository(_ name: String = "a") throws -> AccessScope {
        let url = try #require(ResourceURL("https://r.test/v2/\(name)/manifests/v1"))
        return try #require(AccessScope(repositoryOf: url))
    }

    private func claim(
        _ scope: AccessScope,
        _ credential: CredentialKey,
        _ content: ContentKey? = nil
    ) -> AccessClaim {
        AccessClaim(scope: scope, content: content ?? key, credential: credential)
    }

    private var refusal: BackendError { BackendError(.forbidden, "no") }

    @Test(
        "A registry's scope is its repository, and everything else's is the URL",
        arguments: [
            ("https://r.test/v2/a/b/blobs/\(Digest.of("x"))", "https://r.test/v2/a/b/manifests/v1", true),
            ("https://r.test/v2/a/b/referrers/\(Digest.of("x"))", "https://r.test/v2/a/b/manifests/v1", true),
            ("https://r.test/v2/a/blobs/\(Digest.of("x"))", "https://r.test/v2/a/b/manifests/v1", false),
            ("https://r.test/v2/a/manifests/v1", "http://r.test/v2/a/manifests/v1", false),
            ("https://r.test/v2/a/manifests/v1?x", "https://r.test/v2/a/manifests/v1", false),
            ("https://r.test/v2/%61/manifests/v1", "https://r.test/v2/a/manifests/v1", false),
            ("https://r.test/v2/a%2Fb/manifests/v1", "https://r.test/v2/a/b/manifests/v1", false),
            ("https://r.test/v2/a/../b/manifests/v1", "https://r.test/v2/b/manifests/v1", false),
            ("https://r.test/x/y", "https://r.test/x/z", false), ("https://r.test/x", "https://r.test/x", true),
        ]
    )
    func scopes(first: String, second: String, same: Bool) throws {
        let scopes = try [first, second].map { AccessScope(try #require(ResourceURL($0)), key) }
        #expect((scopes[0] == scopes[1]) == same)
    }

    @Test("What two versions at one URL hold are two rights")
    func versions() throws {
        let url = try #require(ResourceURL("https://a.test/x"))
        let task = TaskID(url: url.text)
        let versions = ["1", "2"].map { ContentKey(task: task, generation: Generation(length: 1, validator: $0)) }
        var facts = AccessFacts(times)
        facts.allow(anna, AccessScope(url, versions[0]), at: now)
        for version in versions { facts.place(version, in: AccessScope(url, version), at: now) }
        #expect(facts.decide(claim(AccessScope(url, versions[0]), anna, versions[0]), at: now) == .allow)
        #expect(facts.decide(claim(AccessScope(url, versions[1]), anna, versions[1]), at: now) != .allow)
    }

    @Test("Both facts have to be known, and one credential's right is not another's")
    func bothFacts() throws {
        let scope = try repository()
        var facts = AccessFacts(times)
        facts.allow(anna, scope, at: now)
        #expect(facts.decide(claim(scope, anna), at: now) == .ask(anonymousFirst: false))
        facts.place(key, in: scope, at: now)
        #expect(facts.decide(claim(scope, anna), at: now) == .allow)
        #expect(facts.decide(claim(scope, berta), at: now) != .allow)
        #expect(facts.decide(claim(scope, .anonymous), at: now) != .allow)
        // Who it was that the registry told of the content does not matter.
        facts.allow(berta, scope, at: now)
        #expect(facts.decide(claim(scope, berta), at: now) == .allow)
    }

    @Test("A right to one repository is none to content of another, whoever knows its digest")
    func isolation() throws {
        let (own, other) = (try repository("x"), try repository("y"))
        var facts = AccessFacts(times)
        facts.allow(anna, own, at: now)
        facts.allow(berta, other, at: now)
        facts.place(key, in: other, at: now)
        #expect(facts.decide(claim(own, anna), at: now) != .allow)
        #expect(facts.decide(claim(other, anna), at: now) != .allow)
        #expect(!facts.isGoodInOutage(claim(own, anna), at: now))
        #expect(!facts.isGoodInOutage(claim(other, anna), at: now))
    }

    @Test("Both facts age: each has to have been told lately")
    func ages() throws {
        let scope = try repository()
        var facts = AccessFacts(times)
        facts.allow(anna, scope, at: now)
        facts.place(key, in: scope, at: now)
        #expect(facts.decide(claim(scope, anna), at: now + .seconds(59)) == .allow)
        #expect(facts.decide(claim(scope, anna), at: now + .seconds(60)) != .allow)
        facts.allow(anna, scope, at: now + .seconds(59))
        #expect(facts.decide(claim(scope, anna), at: now + .seconds(61)) != .allow)
        facts.place(key, in: scope, at: now + .seconds(59))
        #expect(facts.decide(claim(scope, anna), at: now + .seconds(61)) == .allow)
        // What was heard earlier does not make it older.
        facts.allow(anna, scope, at: now)
        #expect(facts.decide(claim(scope, anna), at: now + .seconds(61)) == .allow)
        #expect(facts.isGoodInOutage(claim(scope, anna), at: now + .seconds(3658)))
        #expect(!facts.isGoodInOutage(claim(scope, anna), at: now + .seconds(3659)))
    }

    @Test("Where nothing is believed, everybody is asked about, and nobody is let in while the origin is silent")
    func noTime() throws {
        let scope = try repository()
        var facts = AccessFacts(AccessTimes(asked: .zero, unreachable: .zero))
        facts.allow(anna, scope, at: now)
        facts.place(key, in: scope, at: now)
        #expect(facts.decide(claim(scope, anna), at: now) != .allow)
        #expect(!facts.isGoodInOutage(claim(scope, anna), at: now))
    }

    @Test("What anybody may have in a repository, everybody may; at a URL it may be something else")
    func anonymous() throws {
        let scope = try repository()
        let url = AccessScope(try #require(ResourceURL("https://a.test/x")), key)
        var facts = AccessFacts(times)
        for scope in [scope, url] {
            facts.allow(.anonymous, scope, at: now)
            facts.place(key, in: scope, at: now)
        }
        #expect(facts.decide(claim(scope, anna), at: now) == .allow)
        #expect(facts.decide(claim(url, anna), at: now) == .ask(anonymousFirst: false))
    }

    @Test("Nobody is asked about by name before it is known whether anybody may have it, and for a while after a no")
    func anonymousFirst() throws {
        let scope = try repository()
        var facts = AccessFacts(times)
        func order(_ credential: CredentialKey, after seconds: Int = 0) -> AccessFacts.Decision {
            facts.decide(claim(scope, credential), at: now + .seconds(seconds))
        }
        #expect(order(anna) == .ask(anonymousFirst: true))
        #expect(order(.anonymous) == .ask(anonymousFirst: false))
        facts.heed(refusal, to: .anonymous, scope, key, at: now)
        #expect(order(anna) == .ask(anonymousFirst: false))
        #expect(order(anna, after: 60) == .ask(anonymousFirst: true))
        // A right of his own that is known spares the question.
        facts.allow(anna, scope, at: now + .seconds(30))
        #expect(order(anna, after: 60) == .ask(anonymousFirst: false))
        #expect(order(berta, after: 60) == .ask(anonymousFirst: true))
        facts.allow(.anonymous, scope, at: now + .seconds(60))
        #expect(order(anna, after: 61) == .ask(anonymousFirst: true))
    }

    @Test("What one content's absence closes is not the repository")
    func absentContent() throws {
        let scope = try repository()
        let other = ContentKey(Digest.of("other"))
        var facts = AccessFacts(times)
        facts.heed(BackendError(.notFound, "no"), to: .anonymous, scope, key, at: now)
        #expect(facts.decide(claim(scope, anna), at: now) == .ask(anonymousFirst: false))
        #expect(facts.decide(claim(scope, anna, other), at: now) == .ask(anonymousFirst: true))
    }

    @Test(
        "The origin's no takes the right away, also for the time when it is silent",
        arguments: [BackendError.Code.unauthorized, .forbidden, .notFound]
    )
    func refused(code: BackendError.Code) throws {
        let scope = try repository()
        var facts = AccessFacts(times)
        for credential in [anna, berta] { facts.allow(credential, scope, at: now) }
        facts.place(key, in: scope, at: now)
        facts.heed(BackendError(code, "no"), to: anna, scope, key, at: now)
        #expect(facts.decide(claim(scope, anna), at: now) != .allow)
        #expect(!facts.isGoodInOutage(claim(scope, anna), at: now))
        if code != .notFound { #expect(facts.decide(claim(scope, berta), at: now) == .allow) }
        // What is not there any more is nobody's until the origin says otherwise.
        if code == .notFound { #expect(facts.decide(claim(scope, berta), at: now) != .allow) }
    }

    @Test("A tag that does not exist says nothing of the repository")
    func absentName() throws {
        let scope = try repository()
        var facts = AccessFacts(times)
        facts.allow(anna, scope, at: now)
        facts.place(key, in: scope, at: now)
        facts.heed(BackendError(.notFound, "no"), to: anna, scope, nil, at: now)
        #expect(facts.decide(claim(scope, anna), at: now) == .allow)
    }

    @Test("What an outage lets through anyway does not wait for each of its questions")
    func outage() throws {
        let scope = try repository()
        var facts = AccessFacts(times)
        facts.allow(anna, scope, at: now)
        facts.place(key, in: scope, at: now)
        let later = now + .seconds(600)
        #expect(facts.decide(claim(scope, anna), at: later) != .allow)
        facts.heed(BackendError(.unreachable, "down"), to: anna, scope, key, at: later)
        #expect(facts.decide(claim(scope, anna), at: later + .seconds(9)) == .allow)
        #expect(facts.decide(claim(scope, berta), at: later + .seconds(9)) != .allow)
        #expect(facts.decide(claim(scope, anna), at: later + .seconds(10)) != .allow)
        // It answers again, whatever it was asked.
        facts.allow(berta, try repository("other"), at: later)
        #expect(facts.decide(claim(scope, anna), at: later + .seconds(1)) != .allow)
    }

    @Test("However much origins say, the memory of it is bounded, and what is new is kept")
    func bounded() throws {
        let scope = try repository()
        var facts = AccessFacts(times, most: 64)
        facts.place(key, in: scope, at: now)
        facts.allow(anna, scope, at: now)
        for number in 0..<200 {
            let token = CredentialKey(.bearer("\(number)"))
            facts.allow(token, scope, at: now)
            #expect(facts.decide(claim(scope, token), at: now) == .allow)
        }
        #expect(facts.decide(claim(scope, anna), at: now) != .allow)
        var memory = TimedMemory<Int>(most: 64)
        for number in 0..<1000 {
            memory.note(number, at: now)
            #expect(memory.count <= 64)
            #expect(memory.time(of: number) == now)
            if number >= 32 { #expect(memory.time(of: number - 31) != nil) }
        }
    }
}
