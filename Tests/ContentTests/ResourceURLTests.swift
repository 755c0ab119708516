import Content
import FoundationEssentials
import TestSupport
import Testing

@Suite struct ResourceURLTests {
    @Test("Parts")
    func parts() throws {
        let url = try #require(ResourceURL("HTTPS://us%20er:p:w@Example.COM:8443/a%20b/c?x=1&y=#frag"))
        #expect(url.scheme == "https")
        #expect(url.host == "example.com")
        #expect(url.port == 8443)
        #expect(url.path == "/a%20b/c")
        #expect(url.query == "x=1&y=")
        #expect(url.userInfo == "us%20er:p:w")
        #expect(url.text == "https://example.com:8443/a%20b/c?x=1&y=")
        #expect(url.origin == "https://example.com:8443")
        #expect(url.authority == "example.com:8443")
    }

    @Test(
        "Texts come out in one form",
        arguments: [
            ("http://h", "http://h/"), ("http://h:80", "http://h/"), ("http://h:/x", "http://h/x"),
            ("http://h?q", "http://h/?q"), ("http://h/?", "http://h/?"), ("http://h/#f?x", "http://h/"),
            ("http://[::1]:8080/x", "http://[::1]:8080/x"), ("http://[FE80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
            ("file:///a/b", "file:///a/b"), ("ftp://h:21/f", "ftp://h/f"), ("sftp://u@h:22/f", "sftp://h/f"),
            ("http://a@b@h/", "http://h/"), ("http://h/a@b", "http://h/a@b"),
            ("http://h/?u=http://x:1/", "http://h/?u=http://x:1/"),
        ]
    )
    func form(text: String, expected: String) {
        #expect(ResourceURL(text)?.text == expected)
    }

    @Test(
        "What is no absolute URL is refused",
        arguments: [
            "", "h/x", "/x", "//h/x", "http:", "http:/h/x", "http:///x", "http://", "https://user@/x", "://h",
            "1http://h",
            "http://h:0/", "http://h:65536/", "http://h:+1/", "http://h:-1/", "http://h:8a/",
            "http://h:99999999999999999999/",
            "http://h:1:2/", "http://[::1", "http://::1/", "http://[]/", "http://[::1]x/", "http://x[::1]/",
            "http://[a_b]/",
            "http://[example.com]/", "http://h x/", "http://h/ x", "http://h\\x/", "http://h/\\", "http://h\n/",
            "http://h/\r\nHost: evil",
            "http://h/\0", "http://hé/", "http://h/é", "http://h\u{202E}/", "http://h:\u{0661}/", "http://\u{FF48}/",
            "http://h/\u{7F}",
            "http://\"h\"/", "http://h<x>/", "ht_tp://h/", "http ://h/",
        ]
    )
    func refused(text: String) {
        #expect(ResourceURL(text) == nil)
    }

    @Test("A text without end is refused")
    func length() {
        #expect(ResourceURL("http://h/" + String(repeating: "a", count: 1 << 16)) == nil)
        #expect(ResourceURL("http://h/" + String(repeating: "a", count: 1 << 15)) != nil)
    }

    @Test(
        "Whatever comes in: no trap, no credentials in the text, and the text means itself",
        arguments: [UInt64](0..<8)
    )
    func total(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let tokens = [
            "http", "https", "file", "ftp", ":", "//", "/", "?", "#", "@", "[", "]", "[::1]", "%", "%41", "%zz", ".",
            "..",
            "a", "SECRET", ":SECRET@", "host", "HOST", ":80", ":443", ":0", ":65536", "=", "&", "&&", " ", "\\", "é",
            "\u{0301}",
            "\0", "1", "::", "x=1", "sig=2", "*", "\u{1F600}",
        ]
        for _ in 0..<4000 {
            var text = Bool.random(using: &generator) ? "http://" : ""
            for _ in 0..<Int.random(in: 0...9, using: &generator) {
                text += tokens.randomElement(using: &generator) ?? ""
            }
            guard let url = ResourceURL(text) else { continue }
            #expect(!url.authority.contains("@"))
            #expect(!url.text.contains("#"))
            #expect(ResourceURL(url.text)?.text == url.text, "\(text)")
            #expect(ResourceURL(url.text)?.userInfo == nil)
            #expect(url.text.hasPrefix(url.origin + "/"))
            #expect(url.port.map { (1...65535).contains($0) } ?? true)
            let identity = url.identity(ignoringQuery: ["sig"])
            #expect(ResourceURL(identity)?.identity(ignoringQuery: ["sig"]) == identity, "\(text)")
            #expect(url.identity(ignoringQuery: ["*"]) == url.origin + url.path)
            _ = url.lastPathComponent
        }
    }

    @Test(
        "The last component is a file's name, or nothing",
        arguments: [
            ("http://h/a/b.txt", "b.txt"), ("http://h/a%20b", "a b"), ("http://h/a/b?c=/d", "b"), ("http://h/", nil),
            ("http://h", nil), ("http://h/a/", nil), ("http://h/%ff", nil), ("http://h/%4", nil),
            ("http://h/%C3%A9", "é"),
            ("http://h/..%2f..%2fetc%2fpasswd", nil), ("http://h/%2e%2e", nil), ("http://h/..", nil),
            ("http://h/.", nil),
            ("http://h/a%00b", nil),
        ] as [(String, String?)]
    )
    func lastComponent(text: String, expected: String?) throws {
        #expect(try #require(ResourceURL(text)).lastPathComponent == expected)
    }

    @Test("Percent decoding is strict")
    func percent() {
        #expect(ResourceURL.percentDecoded("a%2Fb%2f") == "a/b/")
        #expect(ResourceURL.percentDecoded("") == "")
        for bad in ["%", "%4", "%4g", "%%41", "%\u{0661}1", "%+1", "%ff"] {
            #expect(ResourceURL.percentDecoded(bad) == nil)
        }
    }

    @Test("Credentials do not travel in JSON")
    func coding() throws {
        let url = try #require(ResourceURL("http://user:secret@h/x?y"))
        let data = try JSONEncoder().encode([url])
        #expect(!String(decoding: data, as: UTF8.self).contains("secret"))
        #expect(try JSONDecoder().decode([ResourceURL].self, from: data).first?.text == url.text)
        #expect(!"\(url)".contains("secret"))
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ResourceURL].self, from: Data("[\"no url\"]".utf8))
        }
    }
}
