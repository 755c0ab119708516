import Testing

@testable import HTTPService

@Suite struct RequestTargetTests {
    @Test(
        arguments: [
            ("/v2/?ns=a", nil, "host", "/v2/?ns=a"), ("*", nil, "host", "*"), ("", nil, "host", ""),
            ("http://a/x?y", "http", "a", "/x?y"), ("HTTPS://A:8443", "https", "A:8443", "/"),
            ("http://a?q", "http", "a", "/?q"), ("http://u:p@a/x@y", "http", "a", "/x@y"),
            ("http:///x", "http", "", "/x"),
            ("http://a/x#f", "http", "a", "/x"), ("ftp://a/x", nil, "host", "ftp://a/x"),
            ("http:/a", nil, "host", "http:/a"),
            ("/http://a/", nil, "host", "/http://a/"), ("http://[::1]:80/x", "http", "[::1]:80", "/x"),
        ] as [(String, String?, String, String)]
    )
    func ofAnOrdinaryRequest(text: String, scheme: String?, authority: String, path: String) {
        let target = RequestTarget(text, isConnect: false, host: "host", intercepted: nil)
        #expect(target.scheme == scheme)
        #expect(target.authority == authority)
        #expect(target.path == path)
        let within = RequestTarget(text, isConnect: false, host: "host", intercepted: "r:5000")
        #expect(within.scheme == "https")
        #expect(within.authority == "r:5000")
        #expect(within.path == path)
    }

    @Test func ofConnect() {
        let target = RequestTarget("a:443", isConnect: true, host: "b", intercepted: nil)
        #expect(target.scheme == nil && target.path == nil)
        #expect(target.authority == "a:443")
    }
}
