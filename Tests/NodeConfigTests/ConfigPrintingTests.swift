import Content
import NodeConfig
import Testing

@Suite struct ConfigPrintingTests {
    @Test func printsEveryKeyInOrder() {
        #expect(
            printed(Node()) == """
                name: node
                quota: 10GiB
                rate: unlimited
                pattern: p2p
                verify: true
                ratio: 0.5
                count: 4
                remote: null
                digest: null
                names:
                  - a
                  - b
                peers:
                  alive_time: 5m
                  networks: []
                  limits:
                    a: 1
                backends: []
                extra: null
                password: null

                """
        )
    }

    @Test func printsWhatReadsBackToTheSame() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let node = randomNode(&generator)
            let text = printed(node)
            let again = try parsed(text)
            #expect(again.name == node.name)
            #expect(again.quota == node.quota)
            #expect(again.rate == node.rate)
            #expect(again.pattern == node.pattern)
            #expect(again.ratio == node.ratio)
            #expect(again.count == node.count)
            #expect(again.names == node.names)
            #expect(again.peers == node.peers)
            #expect(again.digest == node.digest)
            #expect(again.backends.map(\.plugin) == node.backends.map(\.plugin))
            #expect(again.backends.map(\.hosts) == node.backends.map(\.hosts))
            #expect(printed(again) == text)
        }
    }

    @Test(arguments: [
        "", " ", "null", "~", "Null", "true", "123", "a: b", "a #b", "- a", "-", "?", "x:", "[a]", "{a}", "&a", "*a",
        "!a", "%a", "@a",
        "`a", "\"", "'", "\\", "a\nb", "\n", "\t", "\r\n", "\u{0}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}",
        "a\u{FEFF}", "\u{FFFE}", "\u{1F600}",
        "über", "a ", " a", "...", "---", "a\u{301}", "<<", "=", ">", "|", "0600", ",", "a,b", "C:\\x", "::1",
        "[::]:8002", "*", "*.example.com",
        "/a b", "\u{1B}[0m",
    ])
    func printsAnyText(text: String) throws {
        var node = Node()
        node.name = text
        node.names = [text, text]
        node.peers.limits = [text: 1]
        let again = try parsed(printed(node))
        #expect(Array(again.name.unicodeScalars) == Array(text.unicodeScalars))
        #expect(again.names == [text, text])
        #expect(again.peers.limits == [text: 1])
    }

    @Test func printsOthersKeysAndNestedLists() throws {
        let text = "backends:\n  - plugin: http\n    deep: [[1, 2], [], {a: [x]}]\nextra: {a: {b: [1, {c: d, e: f}]}}\n"
        let once = printed(try parsed(text))
        #expect(once.contains("deep:\n      - - 1\n        - 2\n      - []\n      - a:\n          - x\n"))
        #expect(printed(try parsed(once)) == once)
    }

    @Test func printsNoSecret() throws {
        let text = """
            password: hunter2
            backends:
              - plugin: http
                password: hunter2
                proxy: http://u:hunter2@proxy/
                headers: {X-Anything: hunter2}
                auth: [{token: hunter2}]
                key_file: /etc/key.pem
            extra: {bearer_token: hunter2}
            """
        let shown = printed(try parsed(text))
        #expect(!shown.contains("hunter2"))
        #expect(shown.contains("/etc/key.pem"))
        #expect(shown.contains("password: (set)") || shown.contains("password: \"(set)\""))
    }

    private func randomNode(_ generator: inout some RandomNumberGenerator) -> Node {
        var node = Node()
        node.name = randomText(&generator)
        node.quota = Bool.random(using: &generator) ? nil : ByteCount(bytes: randomNumber(&generator))
        node.rate = Rate(bytesPerSecond: randomNumber(&generator))
        node.pattern = Pattern.allCases.randomElement(using: &generator) ?? .p2p
        node.ratio = Double.random(in: -1e9...1e9, using: &generator)
        node.count = Int(randomNumber(&generator)) | 1
        node.names = (0..<Int.random(in: 0...3, using: &generator)).map { _ in randomText(&generator) }
        node.digest = Digest.of(node.name)
        node.peers.aliveTime = .nanoseconds(randomNumber(&generator) | 1)
        node.peers.limits = [randomText(&generator): -Int(randomNumber(&generator))]
        let bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let length = Int.random(in: 0...32, using: &generator)
        node.peers.networks = [Array(bytes.prefix(4)), bytes].compactMap { bytes in
            IPAddress(bytes: bytes).flatMap { NetworkPrefix(address: $0, length: length) }
        }
        node.backends = (0..<Int.random(in: 0...2, using: &generator)).map { _ in
            var entry = Entry()
            entry.plugin = "p" + randomText(&generator)
            entry.hosts = [randomText(&generator)]
            return entry
        }
        return node
    }

    private func randomNumber(_ generator: inout some RandomNumberGenerator) -> Int64 {
        Int64.random(in: 0...Int64.max, using: &generator) >> Int64.random(in: 0...62, using: &generator)
    }

    private func randomText(_ generator: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("ab :#-\"'\\\n\t[]{}&*!|>%@`,?~0é\u{1F600}\u{0}")
        return String(
            (0..<Int.random(in: 0...8, using: &generator)).compactMap { _ in alphabet.randomElement(using: &generator) }
        )
    }
}
