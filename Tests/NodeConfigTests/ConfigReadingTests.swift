import Content
import NodeConfig
import Testing

@Suite struct ConfigReadingTests {
    @Test func keepsDefaultsWhereTheFileIsSilent() throws {
        for text in ["", "# nothing\n", "---\n", "{}", "peers:\n", "peers: {}\nbackends:\n"] {
            let node = try parsed(text)
            #expect(printed(node) == printed(Node()), "\(text)")
        }
    }

    @Test func readsEveryKindOfField() throws {
        let node = try parsed(
            """
            name: "übung: #1"
            quota: 20GB
            rate: 20MB/s
            pattern: cdn
            verify: false
            ratio: 1.25
            count: 7
            remote: https://registry.example.com/
            digest: sha256:\(String(repeating: "ab", count: 32))
            names: [x, "null", '']
            peers:
              alive_time: 1h30m
              networks: &nets
                - 10.0.0.0/8
                - fd00::/8
              limits: {b: 2}
            backends:
              - plugin: http
                hosts: ["*"]
                timeout: 5s
                peers: {networks: *nets}
              - {plugin: file}
            extra: {deep: [1, {a: b}]}
            password: hunter2
            """
        )
        #expect(node.name == "übung: #1")
        #expect(node.quota?.bytes == 20_000_000_000)
        #expect(node.rate.bytesPerSecond == 20_000_000)
        #expect(node.pattern == .cdn)
        #expect(!node.verify)
        #expect(node.ratio == 1.25)
        #expect(node.count == 7)
        #expect(node.remote?.host == "registry.example.com")
        #expect(node.digest?.hex.prefix(4) == "abab")
        #expect(node.names == ["x", "null", ""])
        #expect(node.peers.aliveTime == .seconds(5400))
        #expect(node.peers.networks.map(\.configText) == ["10.0.0.0/8", "fd00::/8"])
        #expect(node.peers.limits == ["b": 2])
        #expect(node.backends.map(\.plugin) == ["http", "file"])
        #expect(node.extra?.keys == ["deep"])
        #expect(node.password?.reveal() == "hunter2")
        let options = try #require(node.backends.first).options
        #expect(options.keys == ["timeout", "peers"])
        var plugin = Plugin()
        try options.bind(into: &plugin)
        #expect(plugin.timeout == .seconds(5))
        #expect(plugin.peers.networks.count == 2)
    }

    @Test func nullTakesADefaultAwayWhereNothingIsAllowed() throws {
        #expect(try parsed("quota: null").quota == nil)
        #expect(try parsed("quota:").quota == nil)
        #expect(try parsed("names:").names == [])
    }

    @Test(arguments: [
        ("a: 1\npeers:\n  alive_time: 1s\n", "node.yml:1: unknown key 'a'"),
        (
            "peers:\n  # comment\n  alive_tme: 1s\n",
            "node.yml:3: unknown key 'alive_tme' in 'peers' (did you mean 'alive_time'?)"
        ),
        ("qouta: 1G", "node.yml:1: unknown key 'qouta' (did you mean 'quota'?)"),
        ("Quota: 1G", "node.yml:1: unknown key 'Quota' (did you mean 'quota'?)"),
        ("zzz: 1", "node.yml:1: unknown key 'zzz'"),
        ("count: 12x", "node.yml:1: 'count' must be a whole number, found '12x'"),
        ("count:", "node.yml:1: 'count' must be a whole number, found nothing"),
        ("count: [1]", "node.yml:1: 'count' must be a whole number, found a list"),
        ("\n\ncount: 0", "node.yml:3: 'count' must be positive"),
        ("verify: yes", "node.yml:1: 'verify' must be true or false, found 'yes'"),
        ("pattern: p3p", "node.yml:1: 'pattern' must be one of 'p2p', 'cdn', 'source', found 'p3p'"),
        (
            "peers:\n  alive_time: 5\n",
            "node.yml:2: 'alive_time' in 'peers' must be a duration such as 500ms, 30s, 5m, 1h30m or 2d, found '5'"
        ),
        (
            "peers:\n  networks:\n    - ::1\n    - x\n",
            "node.yml:4: 'networks' in 'peers' must be a network such as 10.0.0.0/8, fd00::/8 or 127.0.0.1, found 'x'"
        ),
        ("peers:\n  limits:\n    a: b\n", "node.yml:3: 'a' in 'limits' in 'peers' must be a whole number, found 'b'"),
        ("names: a", "node.yml:1: 'names' must be a list, each a text, found 'a'"),
        ("peers: 1", "node.yml:1: expected keys and values in 'peers', found '1'"),
        ("- a\n", "node.yml:1: expected keys and values, found a list"),
        ("count: 1\ncount: 2\n", "node.yml:1: 'count' is given more than once"),
        ("count: 1\n\"count\": 2\n", "node.yml:1: 'count' is given more than once"),
        ("backends:\n  - hosts: [a]\n", "node.yml:2: 'plugin' in 'backends[0]' must be named"),
        ("password: (set)\n", "node.yml:1: 'password' must be the secret itself, found '(set)'"),
        ("[a]: 1\n", "node.yml:1: a key must be a single word"),
    ])
    func namesPlaceAndFault(text: String, expected: String) {
        #expect(failure(text) == expected)
    }

    @Test(arguments: [
        "a: [1\n", "a: b: c\n", "\ta: 1\n", "a: *b\n", "a: \"x\n", "a: 1\n---\nb: 2\n", "\u{1}", "%x", "&a *a",
    ])
    func refusesWhatIsNoYAML(text: String) {
        #expect(failure(text).hasPrefix("node.yml:"))
        #expect(failure(text).contains("not valid YAML"))
    }

    @Test func refusesAnAliasBomb() {
        var text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for (index, name) in ["b", "c", "d", "e", "f", "g", "h", "i"].enumerated() {
            let last = ["a", "b", "c", "d", "e", "f", "g", "h"][index]
            text += "\(name): &\(name) [" + Array(repeating: "*\(last)", count: 10).joined(separator: ", ") + "]\n"
        }
        #expect(failure(text).contains("too large"))
    }

    @Test func refusesDeepNesting() {
        #expect(
            failure("extra: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)).contains(
                "nested"
            )
        )
        #expect(failure(String(repeating: "[", count: 100_000)) != "no error")
    }

    @Test func namesThePlaceOfAPluginsUnknownKey() throws {
        let node = try parsed("backends:\n  - plugin: http\n\n    timeuot: 5s\n")
        var plugin = Plugin()
        let error = #expect(throws: ConfigError.self) { try node.backends.first?.options.bind(into: &plugin) }
        #expect(error?.description == "node.yml:4: unknown key 'timeuot' in 'backends[0]' (did you mean 'timeout'?)")
    }

    @Test func leavesTheValueAloneAfterAnError() {
        var node = Node()
        #expect(throws: ConfigError.self) {
            try ConfigFile.parse(text: "name: other\ncount: x\n", file: "f", into: &node)
        }
        #expect(node.name == "node")
    }

    @Test(arguments: ["/nonexistent/darter.yml", "/"])
    func saysWhyAFileCannotBeRead(path: String) {
        var node = Node()
        let error = #expect(throws: ConfigError.self) { try ConfigFile.load(path: path, into: &node) }
        #expect(error?.description.hasPrefix("\(path): cannot be read: ") == true)
    }

    /// Whatever is cut off or changed in a good file: an error or a value, never a trap.
    @Test func survivesDamagedFiles() throws {
        let good = Array(
            "name: \"a\\n\"\nquota: 1.5G\nnames: [a, 'b', {c: d}]\npeers: &p\n  limits: {a: 1}\nextra: *p\nratio: 1e3\n"
                .utf8
        )
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = bytes.indices.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes.removeSubrange(index...)
                case 1: bytes[index] = UInt8.random(in: 0...127, using: &generator)
                default: bytes.insert(contentsOf: bytes[index...], at: index)
                }
                if bytes.isEmpty { break }
                bytes = Array(bytes.prefix(4096))
            }
            _ = failure(String(decoding: bytes, as: UTF8.self))
        }
    }
}
