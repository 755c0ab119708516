import Testing

@testable import ContentProxy

@Suite struct ProxyTargetTests {
    @Test(
        arguments: [
            ("example.com:443", "example.com", 443, "example.com"),
            ("Example.COM:8443", "example.com", 8443, "example.com:8443"),
            ("10.0.0.1:443", "10.0.0.1", 443, "10.0.0.1"), ("[2001:db8::1]:443", "2001:db8::1", 443, "[2001:db8::1]"),
            ("[::1]:22", "::1", 22, "[::1]:22"), ("h:1", "h", 1, "h:1"), ("h:65535", "h", 65535, "h:65535"),
        ]
    )
    func names(text: String, host: String, port: Int, authority: String) throws {
        let target = try #require(ProxyTarget(text))
        #expect(target.host == host)
        #expect(target.port == port)
        #expect(target.authority == authority)
    }

    @Test(arguments: [
        "", ":", "h", "h:", ":443", "h:0", "h:65536", "h:-1", "h:+1", "h:44x", "h:443/", "h:443?", "h:443#", "u@h:443",
        "http://h:443", "[::1]", "[h]:443", "::1:443", "h h:443", "h\u{0}:443", "h\r\n:443", "ü:443", "unix:/x",
        "h:99999999999999999999",
        "[::1:443", "]:443", "h\\:443",
    ])
    func refusesEverythingElse(text: String) { #expect(ProxyTarget(text) == nil) }
}
