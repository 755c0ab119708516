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

    @Test("Open content is everybody's")
    func open() throws {
        var access = SourceAccess(isOpen: true, origin: "https://a.test")
        #expect(access.decide(nil, at: now) == .allow)
        #expect(access.decide(try source("https://elsewhere.test/x", nil), at: now) == .allow)
    }

    @Test("Private content asks its own origin about each registrant")
    func asksTheOrigin() throws {
        var access = SourceAccess(isOpen: false, origin: "https://a.test")
        let good = try source("https://a.test/x", "good")
        #expect(access.decide(good, at: now) == .askOrigin)
        access.permit(good, until: now + .seconds(60))
        #expect(access.decide(good, at: now) == .allow)
        #expect(access.decide(try source("https://a.test/x", "other"), at: now) == .askOrigin)
        #expect(access.decide(try source("https://a.test/y", "good"), at: now) == .askOrigin)
        #expect(access.decide(good, at: now + .seconds(61)) == .askOrigin)
    }

    @Test("Another origin's yes proves nothing, and no source at all even less")
    func refusesStrangers() throws {
        var access = SourceAccess(isOpen: false, origin: "https://a.test")
        #expect(access.decide(try source("https://a.test.evil.test/x", "t"), at: now) == .refuse)
        #expect(access.decide(try source("http://a.test/x", "t"), at: now) == .refuse)
        #expect(access.decide(nil, at: now) == .refuse)
    }
}
