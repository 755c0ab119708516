import BackendAPI
import Content
import Testing

@testable import OriginFetch

@Suite struct HeldContentTests {
    private static let digest = Digest.of("content")

    private func source(_ url: String, _ token: String?) throws -> Source {
        Source(
            resource: Resource(url: try #require(ResourceURL(url))),
            credentials: token.map { .bearer($0) } ?? Credentials()
        )
    }

    private func held(
        open: Bool,
        _ origin: String = "https://a.test/x",
        digest: Digest? = nil,
        validators: Validators = Validators(),
        from bringer: Source? = nil
    ) throws -> HeldContent {
        let url = try #require(ResourceURL(origin))
        let record = OriginRecord(url: url, digest: digest, validators: validators, openAccess: open)
        return HeldContent(
            record,
            of: Resource(url: url, digest: digest).taskID,
            Generation(length: 7, validator: "\"v\""),
            length: 7,
            bringer: bringer?.key
        )
    }

    @Test("Open content is everybody's")
    func open() throws {
        let held = try held(open: true)
        #expect(held.isOpen(to: nil))
        #expect(held.isOpen(to: try source("https://elsewhere.test/x", nil)))
    }

    @Test("To whoever shows credentials an origin may give something else, unless a digest names the content")
    func openToCredentials() throws {
        let other = try source("https://a.test/x", "token")
        #expect(try held(open: true).isOpen(to: other) == false)
        #expect(try held(open: true, digest: Self.digest).isOpen(to: other))
    }

    @Test("Private content is nobody's without a word of its origin")
    func privateContent() throws {
        #expect(try held(open: false, digest: Self.digest).isOpen(to: nil) == false)
        #expect(try held(open: false).isOpen(to: try source("https://a.test/x", "good")) == false)
    }

    @Test(
        "Its own origin's word counts, and nobody else's",
        arguments: [
            ("https://a.test/x", true), ("https://a.test/y", true), ("https://a.test.evil.test/x", false),
            ("http://a.test/x", false), ("https://a.test:444/x", false),
        ]
    )
    func ownOrigin(url: String, counts: Bool) throws {
        let url = try #require(ResourceURL(url))
        #expect(try held(open: false).isDecided(by: url, isConfigured: false) == counts)
        // Without a digest nothing says that two origins mean the same.
        #expect(try held(open: false).isDecided(by: url, isConfigured: true) == counts)
    }

    @Test("A configured registry's word counts for the very digest that it was asked for, and any other's does not")
    func configuredRegistry() throws {
        let held = try held(open: false, digest: Self.digest)
        func counts(_ path: String, isConfigured: Bool = true) throws -> Bool {
            held.isDecided(by: try #require(ResourceURL("https://r.test\(path)")), isConfigured: isConfigured)
        }
        #expect(try counts("/v2/a/b/blobs/\(Self.digest)"))
        #expect(try counts("/v2/a/manifests/\(Self.digest)"))
        #expect(try counts("/v2/a/b/blobs/\(Self.digest)", isConfigured: false) == false)
        #expect(try counts("/v2/a/b/blobs/\(Digest.of("other"))") == false)
        #expect(try counts("/v2/a/manifests/v1") == false)
        #expect(try counts("/v2/a/referrers/\(Self.digest)") == false)
        #expect(try counts("/v2/a/blobs/\(Self.digest)?x=y") == false)
        #expect(try counts("/x") == false)
    }

    @Test("What has no name at all is meant only for the source that brought it")
    func unnamed() throws {
        let bringer = try source("https://a.test/x", "good")
        let held = try held(open: false, from: bringer)
        let head = ContentHead(length: 7)
        #expect(held.isMeant(by: head, to: bringer))
        #expect(!held.isMeant(by: head, to: try source("https://a.test/x", "other")))
        #expect(!held.isMeant(by: ContentHead(length: 8), to: bringer))
    }

    @Test("An answer is about what is here if it names it")
    func named() throws {
        let anybody = try source("https://a.test/x", "any")
        let tagged = try held(open: false, validators: Validators(entityTag: "\"v\""))
        #expect(tagged.isMeant(by: ContentHead(validators: Validators(entityTag: "\"v\"")), to: anybody))
        #expect(!tagged.isMeant(by: ContentHead(validators: Validators(entityTag: "\"w\"")), to: anybody))
        let digested = try held(open: false, digest: Self.digest)
        #expect(digested.isMeant(by: ContentHead(digest: Self.digest), to: anybody))
        #expect(!digested.isMeant(by: ContentHead(digest: Digest.of("other")), to: anybody))
    }
}
