import BackendAPI
import Content
import OriginFetch
import Testing

@Suite struct SourceAccessTests {
    private let now = ContinuousClock.now

    private func source(_ url: String, _ token: String?) throws -> Source {
        Source(
            resource: Resource(url: try #require(ResourceURL(url))),
            credentials: token.map { .bearer($0) } ?? Credentials()
        )
    }

    private func access(
        open: Bool,
        _ origin: String = "https://a.test/x",
        digest: Digest? = nil,
        from bringer: Source? = nil
    ) throws -> SourceAccess {
        let url = try #require(ResourceURL(origin))
        let record = OriginRecord(url: url, digest: digest, openAccess: open)
        return SourceAccess(record, of: Resource(url: url, digest: digest).taskID, from: bringer)
    }

    @Test("Open content is everybody's")
    func open() throws {
        var access = try access(open: true)
        #expect(access.decide(nil, at: now) == .allow)
        #expect(access.decide(try source("https://elsewhere.test/x", nil), at: now) == .allow)
    }

    @Test("To whoever shows credentials an origin may give something else, unless a digest names the content")
    func openToCredentials() throws {
        let other = try source("https://a.test/x", "token")
        var unnamed = try access(open: true)
        #expect(unnamed.decide(other, at: now) == .askOrigin)
        var named = try access(open: true, digest: Digest.of("content"))
        #expect(named.decide(other, at: now) == .allow)
    }

    @Test("Private content asks its own origin about each registrant")
    func asksTheOrigin() throws {
        let good = try source("https://a.test/x", "good")
        var access = try access(open: false, from: good)
        #expect(access.isBringer(good))
        #expect(!access.isBringer(try source("https://a.test/x", "other")))
        #expect(access.decide(good, at: now) == .askOrigin)
        access.permit(good, until: now + .seconds(60))
        #expect(access.decide(good, at: now) == .allow)
        #expect(access.decide(try source("https://a.test/x", "other"), at: now) == .askOrigin)
        #expect(access.decide(try source("https://a.test/y", "good"), at: now) == .askOrigin)
        #expect(access.decide(good, at: now + .seconds(61)) == .askOrigin)
    }

    @Test("Another origin's yes proves nothing, and no source at all even less")
    func refusesStrangers() throws {
        var access = try access(open: false)
        #expect(access.decide(try source("https://a.test.evil.test/x", "t"), at: now) == .refuse)
        #expect(access.decide(try source("http://a.test/x", "t"), at: now) == .refuse)
        #expect(access.decide(nil, at: now) == .refuse)
    }

    @Test("However many sources the origin says yes to, the memory of them is bounded")
    func bounded() throws {
        var access = try access(open: false)
        let first = try source("https://a.test/x", "first")
        access.permit(first, until: now + .seconds(60))
        for number in 0..<5000 {
            access.permit(try source("https://a.test/x", "\(number)"), until: now + .seconds(60))
        }
        #expect(access.decide(first, at: now) == .askOrigin)
        #expect(access.decide(try source("https://a.test/x", "4999"), at: now) == .allow)
    }
}

@Suite struct OriginRecordTests {
    private let url = ResourceURL("https://a.test/x")

    private func head(_ length: Int64?, _ validators: Validators, digest: Digest? = nil) -> ContentHead {
        var head = ContentHead()
        head.length = length
        head.validators = validators
        head.digest = digest
        return head
    }

    @Test("An answer is about the same content only if a digest or validators say so")
    func describes() {
        let named = Validators(entityTag: "\"a\"")
        let other = Validators(entityTag: "\"b\"")
        let dated = Validators(lastModified: "Sun, 06 Nov 1994 08:49:37 GMT")
        let digest = Digest.of("content")
        let tagged = OriginRecord(url: url, digest: nil, validators: named, openAccess: false)
        #expect(tagged.describes(head(7, named), length: 7))
        #expect(!tagged.describes(head(8, named), length: 7))
        #expect(!tagged.describes(head(7, other), length: 7))
        #expect(!tagged.describes(head(7, Validators()), length: 7))
        let changed = OriginRecord(url: url, digest: nil, validators: dated, openAccess: false)
        #expect(changed.describes(head(7, dated), length: 7))
        let bare = OriginRecord(url: url, digest: nil, openAccess: false)
        #expect(!bare.describes(head(7, Validators()), length: 7))
        #expect(bare.describes(head(7, Validators()), length: 7, unnamed: true))
        #expect(!bare.describes(head(8, Validators()), length: 7, unnamed: true))
        #expect(!bare.describes(head(7, named), length: 7, unnamed: true))
        let known = OriginRecord(url: url, digest: digest, openAccess: false)
        #expect(known.describes(head(7, named, digest: digest), length: 7))
        #expect(!known.describes(head(7, Validators()), length: 7))
    }
}
