import Content
import TestSupport
import Testing

@testable import PeerEngine

@Suite struct SupernodeAddressTests {
    @Test(
        "Addresses",
        arguments: [
            ("a", "http://a:8002", 1), ("a:9000", "http://a:9000", 1), ("a=3", "http://a:8002", 3),
            ("a:80=2", "http://a:80", 2), ("http://a:80", "http://a:80", 1), ("http://a:80/", "http://a:80", 1),
            ("http://a/", "http://a:8002", 1), ("https://a", "https://a:8002", 1),
            ("https://a:443", "https://a:443", 1),
            ("https://a:443/=5", "https://a:443", 5), ("HTTPS://A:1=1000", "https://a:1", 1000),
            ("[::1]", "http://[::1]:8002", 1), ("[::1]:80=2", "http://[::1]:80", 2),
            ("10.0.0.1:8002", "http://10.0.0.1:8002", 1),
        ] as [(String, String, Int)]
    )
    func parsed(text: String, url: String, weight: Int) throws {
        let address = try #require(SupernodeAddress(text))
        #expect(address.url == url)
        #expect(address.weight == weight)
        #expect(SupernodeAddress(configText: address.configText) == address)
    }

    @Test(
        "What no digest protects comes in the clear only where calls do",
        arguments: [("a", false, true), ("a", true, true), ("https://a", false, false), ("https://a", true, true)]
    )
    func pieces(text: String, speakTLS: Bool, areSafe: Bool) throws {
        #expect(try #require(SupernodeAddress(text)).protectsPieces(speakingTLS: speakTLS) == areSafe)
    }

    @Test(
        "What is no supernode is refused",
        arguments: [
            "", "=", "=2", "a=", "a=0", "a=-1", "a=+2", "a=1001", "a=2.5", "a=2=3", "a= 2", "a:0", "a:65536", "a:x",
            "a b", "::1",
            "ftp://a", "http://", "http://a/path", "http://a?q", "http://user:secret@a", "user@a", "a#b", "a/b", "a\n",
            "a=\u{0662}",
        ]
    )
    func refused(text: String) {
        #expect(SupernodeAddress(text) == nil)
    }

    @Test(
        "Credentials may travel over TLS and on this machine, and nowhere else",
        arguments: [
            ("https://far.example", true), ("localhost", true), ("127.0.0.1", true), ("127.255.0.9:1", true),
            ("[::1]", true),
            ("far.example", false), ("127.evil.example", false), ("127.0.0.1.evil.example", false), ("127.0.0", false),
            ("localhost.evil.example", false), ("[::2]", false), ("10.0.0.1", false),
        ]
    )
    func confidential(text: String, expected: Bool) throws {
        #expect(try #require(SupernodeAddress(text)).isConfidential == expected)
    }

    private func addresses(_ texts: String...) throws -> [SupernodeAddress] {
        try texts.map { try #require(SupernodeAddress($0)) }
    }

    private static let tasks = (0..<10_000).map { TaskID(url: "http://origin/\($0)") }

    @Test("Every supernode comes first for a share of the tasks that goes with its weight")
    func weights() throws {
        let all = try addresses("a=1", "b=2", "c=5")
        var first: [String: Int] = [:]
        for task in Self.tasks { first[try #require(all.ordered(for: task).first).host, default: 0] += 1 }
        for (host, share) in [("a", 1250), ("b", 2500), ("c", 6250)] {
            #expect(abs(try #require(first[host]) - share) < 250, "\(host): \(first)")
        }
    }

    @Test("All nodes agree, in whatever order they list the supernodes")
    func agreement() throws {
        let all = try addresses("a", "b=2", "c", "d=7", "[::1]:9")
        var generator = SeededGenerator(seed: 1)
        for task in Self.tasks.prefix(200) {
            let order = all.ordered(for: task)
            #expect(Set(order) == Set(all))
            #expect(all.shuffled(using: &generator).ordered(for: task) == order)
        }
        #expect([SupernodeAddress]().ordered(for: Self.tasks[0]).isEmpty)
    }

    @Test("Taking one supernode away moves its own tasks and no others")
    func removal() throws {
        let all = try addresses("a", "b=2", "c=3", "d")
        let rest = all.filter { $0.host != "b" }
        for task in Self.tasks {
            let before = all.ordered(for: task)
            #expect(rest.ordered(for: task) == before.filter { $0.host != "b" })
        }
    }

    @Test("A greater weight only draws tasks to that supernode")
    func growth() throws {
        let before = try addresses("a", "b", "c")
        let after = try addresses("a", "b=4", "c")
        for task in Self.tasks.prefix(2000) {
            let old = try #require(before.ordered(for: task).first).host
            let new = try #require(after.ordered(for: task).first).host
            #expect(new == old || new == "b")
        }
    }
}
