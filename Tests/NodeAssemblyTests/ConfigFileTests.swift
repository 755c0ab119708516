import Foundation
import NodeAssembly
import NodeConfig
import PeerEngine
import Testing

/// The files in `config/` are the documentation of every key: they load, they say the defaults, and nothing is missing.
@Suite struct ConfigFileTests {
    private static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "config")

    private func check(_ name: String, _ defaults: some Configurable) throws {
        let path = Self.directory.appending(path: name).path
        var loaded = defaults
        try ConfigFile.load(path: path, into: &loaded)
        #expect(printed(loaded) == printed(defaults))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        for line in printed(defaults).split(separator: "\n") {
            let key = line.prefix { $0 != ":" }
            // An item of a list has no key: it is shown as it is.
            let isShown = text.contains("\n\(key):") || text.hasPrefix("\(key):") || text.contains("\n\(line)\n")
            #expect(isShown, "\(name) does not show '\(key)'")
        }
    }

    @Test func supernode() throws { try check("supernode.yml", SupernodeConfiguration()) }

    @Test func daemon() throws { try check("dfdaemon.yml", DaemonConfiguration()) }

    @Test func webhook() throws { try check("dfwebhook.yml", WebhookConfiguration()) }

    @Test("What is printed is a configuration that means the same")
    func printsWhatItReads() throws {
        var changed = DaemonConfiguration()
        try ConfigFile.parse(
            text: """
                home: /srv/darter
                supernodes: ["a:8002=2", "https://b"]
                registry_mirror: {remote: "http://r.test:5000", registries: [{host: quay.io}]}
                limits: {upload: 20MB/s}
                """,
            file: "test.yml",
            into: &changed
        )
        var again = DaemonConfiguration()
        try ConfigFile.parse(text: printed(changed), file: "printed.yml", into: &again)
        #expect(printed(again) == printed(changed))
        #expect(again.node.supernodes.map(\.weight) == [2, 1])
        #expect(again.node.limits.total.upload.bytesPerSecond == 20_000_000)
    }

    @Test(
        "A mistake is refused at start with file, line and what is expected",
        arguments: [
            ("peers: {alive_tme: 5s}", "x.yml:1: ", "alive_time"),
            ("home: /a\nstore:\n  quota: much", "x.yml:3: ", "quota"),
            ("origin:\n  parallel: 0", "x.yml:2: ", "parallel"),
            ("backends:\n  - plugin: http\n    hosts: ['a b']", "x.yml:3: ", "hosts"),
            ("api: {address: nowhere}", "x.yml:1: ", "address"),
            ("home: /a\npieces: {address: 'unix:/run/pieces'}", "x.yml:2: ", "host:port"),
        ]
    )
    func mistakes(text: String, place: String, word: String) {
        var configuration = SupernodeConfiguration()
        let error = #expect(throws: ConfigError.self) {
            try ConfigFile.parse(text: text, file: "x.yml", into: &configuration)
        }
        #expect(error?.description.hasPrefix(place) == true, "\(String(describing: error))")
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test("A piece server that no other node could reach is refused at start, the proxy of this machine is not")
    func unreachablePieces() throws {
        func load(_ key: String) throws {
            var configuration = DaemonConfiguration()
            try ConfigFile.parse(text: "\(key): {address: 'unix:/run/x'}", file: "x.yml", into: &configuration)
        }
        try load("proxy")
        let error = #expect(throws: ConfigError.self) { try load("pieces") }
        #expect(error?.description.contains("x.yml:1: 'pieces' must have an address of host:port") == true)
    }
}
