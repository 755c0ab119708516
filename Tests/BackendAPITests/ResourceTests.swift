import BackendAPI
import Content
import Testing

@Suite struct ResourceTests {
    @Test func namesTheTaskByTheDigestAlone() throws {
        let digest = Digest.of("x")
        let one = Resource(url: try url("http://a/x"), headers: ["Accept": "a"], digest: digest, tag: "t")
        let other = Resource(url: try url("http://b/y"), digest: digest)
        #expect(one.taskID == other.taskID)
    }

    @Test func neverNamesATaskByMD5() throws {
        let digest = Digest.of("x", .md5)
        let one = Resource(url: try url("http://a/x"), digest: digest)
        #expect(one.taskID != Resource(url: try url("http://b/y"), digest: digest).taskID)
        #expect(one.taskID == Resource(url: try url("http://a/x")).taskID)
    }

    @Test func leavesIgnoredQueryAndCredentialsOutOfTheTask() throws {
        let plain = Resource(url: try url("http://a/x?v=1"))
        let signed = Resource(url: try url("http://u:p@a/x?v=1&sig=abc"), ignoredQuery: ["sig"])
        #expect(plain.taskID == signed.taskID)
        #expect(signed.url.userInfo == nil)
        #expect(plain.taskID != Resource(url: try url("http://a/x?v=2")).taskID)
        #expect(plain.taskID != Resource(url: try url("http://a/x?v=1"), tag: "t").taskID)
        #expect(plain.taskID != Resource(url: try url("http://a/x?v=1"), headers: ["Accept": "a"]).taskID)
    }

    @Test func neverShowsCredentials() throws {
        let credentials = Credentials.basic(user: "u", password: "hunter2")
        #expect(credentials.headers["Authorization"] == "Basic dTpodW50ZXIy")
        let source = Source(resource: Resource(url: try url("http://a/")), credentials: credentials)
        let request = OriginRequest(resource: source.resource, credentials: credentials)
        var dumped = ""
        dump((source, request), to: &dumped)
        #expect(!"\(source) \(request) \(dumped)".contains("dTpodW50"))
    }

    @Test func readsCredentialsOfAURL() {
        #expect(Credentials(userInfo: "u:p%40ss:w") == .basic(user: "u", password: "p@ss:w"))
        #expect(Credentials(userInfo: "u") == .basic(user: "u", password: ""))
        #expect(Credentials(userInfo: "u%zz:p") == nil)
    }

    @Test func makesRangeHeaders() throws {
        #expect(OriginRange.closed(ByteRange(0..<10)).headerValue == "bytes=0-9")
        #expect(OriginRange.from(7).headerValue == "bytes=7-")
        #expect(OriginRange.closed(ByteRange(5..<5)).headerValue == nil)
        #expect(OriginRange.from(-1).headerValue == nil)
    }
}
