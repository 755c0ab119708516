import Content
import FoundationEssentials
import TestSupport
import Testing

@Suite struct TaskIDTests {
    private func task(
        _ url: String,
        ignoring: [String] = [],
        tag: String? = nil,
        headers: HeaderFields = [:]
    ) throws
        -> TaskID
    {
        let parsed = try #require(ResourceURL(url))
        return TaskID(url: parsed.identity(ignoringQuery: ignoring), tag: tag, headers: headers)
    }

    @Test(
        "URLs that name one thing are one task",
        arguments: [
            ("http://h/f", "HTTP://H/f"),
            ("http://h/f", "http://h:80/f"),
            ("https://h/f", "https://h:443/f"),
            ("http://h/f", "http://user:secret@h/f"),
            ("http://h/f", "http://h/f#fragment"),
            ("http://h", "http://h/"),
            ("http://[2001:DB8::1]/f", "http://[2001:db8::1]:80/f"),
        ]
    )
    func same(left: String, right: String) throws {
        #expect(try task(left) == task(right))
    }

    @Test(
        "URLs that may name different things are different tasks",
        arguments: [
            ("http://h/f", "https://h/f"),
            ("http://h/f", "http://h:81/f"),
            ("http://h/f", "http://h/F"),
            ("http://h/f", "http://h/f?"),
            ("http://h/f?a=1", "http://h/f?a=2"),
            ("http://h/f?a=1&b=2", "http://h/f?b=2&a=1"),
            ("http://h/f", "http://h/%66"),
            ("http://h/f", "http://hh/f"),
        ]
    )
    func different(left: String, right: String) throws {
        #expect(try task(left) != task(right))
    }

    @Test("Ignored query parameters part no tasks; the others do")
    func ignoredQuery() throws {
        let ignored = ["sig", "expires"]
        let plain = try task("http://h/f?v=1", ignoring: ignored)
        #expect(try task("http://h/f?sig=abc&v=1&expires=9", ignoring: ignored) == plain)
        #expect(try task("http://h/f?v=1&sig", ignoring: ignored) == plain)
        #expect(try task("http://h/f?v=2&sig=abc", ignoring: ignored) != plain)
        // Names are whole names.
        #expect(try task("http://h/f?v=1&sign=abc", ignoring: ignored) != plain)
        #expect(try task("http://h/f?v=1&Sig=abc", ignoring: ignored) != plain)
        #expect(try task("http://h/f?sig=1", ignoring: ignored) == task("http://h/f", ignoring: ignored))
        #expect(try task("http://h/f?a=1", ignoring: ["*"]) == task("http://h/f?b", ignoring: ["*"]))
        #expect(try task("http://h/f?a=1", ignoring: ["*"]) == task("http://h/f", ignoring: ["*"]))
    }

    @Test("Selecting headers count, whatever their order and however their names are written")
    func headers() throws {
        let first = try task("http://h/f", headers: ["Accept": "a", "X-Kind": "b"])
        #expect(try task("http://h/f", headers: ["x-kind": "b", "ACCEPT": "a"]) == first)
        #expect(try task("http://h/f", headers: ["Accept": "a"]) != first)
        #expect(try task("http://h/f", headers: ["Accept": "b", "X-Kind": "a"]) != first)
        #expect(try task("http://h/f", headers: ["Accept": "a", "X-Kind": "B"]) != first)
    }

    @Test("Fields never run into each other")
    func lengths() {
        let ids: [TaskID] = [
            TaskID(url: "ab", tag: "c"), TaskID(url: "a", tag: "bc"), TaskID(url: "abc"), TaskID(url: "abc", tag: ""),
            TaskID(url: "", tag: "abc"), TaskID(url: "a", headers: ["b": "c"]), TaskID(url: "a", headers: ["bc": ""]),
            TaskID(url: "a", headers: ["b": "", "c": ""]), TaskID(url: "a", tag: "b", headers: ["c": ""]),
        ]
        #expect(Set(ids).count == ids.count)
    }

    @Test("A content's task is named by the digest alone")
    func content() {
        let digest = Digest.of("layer")
        #expect(TaskID(content: digest) == TaskID(content: digest))
        #expect(TaskID(content: digest) != TaskID(content: Digest.of("layer", .sha512)))
        #expect(TaskID(content: digest) != TaskID(url: digest.description))
    }
}

@Suite struct GenerationTests {
    @Test("A generation is one length and one validator")
    func validators() {
        let generation = Generation(length: 5, validator: "\"v1\"")
        #expect(generation == Generation(length: 5, validator: "\"v1\""))
        #expect(generation != Generation(length: 6, validator: "\"v1\""))
        #expect(generation != Generation(length: nil, validator: "\"v1\""))
        #expect(generation != Generation(length: 5, validator: "\"v2\""))
        #expect(Generation(length: 5, nonce: [1]) != Generation(length: 5, nonce: [2]))
        // A validator that looks like a nonce or a digest is still a validator.
        #expect(Generation(length: 5, nonce: [1]) != Generation(length: 5, validator: "01"))
        let digest = Digest.of("a")
        #expect(Generation(content: digest) != Generation(length: nil, validator: digest.description))
    }
}

@Suite struct HexIdentifierTests {
    @Test("Identities are read back from what they print, and only from that")
    func text() throws {
        var generator = SeededGenerator(seed: 1)
        let peer = PeerID(using: &generator)
        #expect(PeerID(peer.description) == peer)
        #expect(PeerID(using: &generator) != peer)
        #expect(PeerID() != PeerID())
        let encoded = try JSONEncoder().encode([peer])
        #expect(try JSONDecoder().decode([PeerID].self, from: encoded) == [peer])
        for bad in [
            "", "00", peer.description.uppercased(), peer.description + "00", "zz" + peer.description.dropFirst(2),
        ]
        where bad != peer.description {
            #expect(PeerID(bad) == nil)
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([PeerID].self, from: Data("[\"\(bad)\"]".utf8))
            }
        }
        #expect(TaskID(peer.description) == nil)
        #expect(Generation(bytes: Array(repeating: 0, count: 15)) == nil)
        #expect(TaskID(bytes: Array(repeating: 0, count: 32))?.description == String(repeating: "0", count: 64))
    }
}
