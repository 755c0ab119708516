import BackendAPI
import Content
import NodeConfig
import Testing

/// Says which entry made it.
private struct NamedBackend: Backend {
    let name: String
    let capabilities: BackendCapabilities = []
    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        throw BackendError(.unsupported, name)
    }
    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        throw BackendError(.unsupported, name)
    }
}

private struct NamedPlugin: BackendPlugin {
    struct Options: Configurable {
        var id = "default"
        mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) { try fields.value("id", &id) }
    }

    let name: String
    let schemes: [String]
    var hasDefault = true

    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend {
        var own = Options()
        try options.bind(into: &own)
        return NamedBackend(name: "\(name) \(own.id)")
    }

    func makeDefaultBackend() throws(ConfigError) -> (any Backend)? {
        hasDefault ? try makeBackend(RawConfig()) : nil
    }
}

private struct Root: Configurable {
    var backends: [BackendEntry] = []
    mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.sections("backends", &backends) { BackendEntry() }
    }
}

private let plugins: [any BackendPlugin] = [
    NamedPlugin(name: "http", schemes: ["http", "https"]),
    NamedPlugin(name: "registry", schemes: ["http", "https"], hasDefault: false),
    NamedPlugin(name: "file", schemes: ["file"], hasDefault: false),
]

private func registry(_ yaml: String) throws(ConfigError) -> BackendRegistry {
    var root = Root()
    try ConfigFile.parse(text: yaml, file: "supernode.yml", into: &root)
    return try BackendRegistry(plugins: plugins, entries: root.backends)
}

private func name(_ backends: BackendRegistry, _ text: String) throws -> String {
    let url = try #require(ResourceURL(text))
    do throws(BackendError) {
        return (try backends.backend(for: url) as? NamedBackend)?.name ?? "?"
    } catch {
        return error.code.description
    }
}

@Suite struct BackendRegistryTests {
    @Test(arguments: [
        ("http://a/", "http default"), ("https://a:8443/x", "http default"), ("file:///x", "refused"),
        ("ftp://a/", "unsupported"),
    ])
    func hasDefaultsWithoutConfiguration(url: String, expected: String) throws {
        #expect(try name(try registry(""), url) == expected)
    }

    @Test(arguments: [
        ("https://other.org/", "http star"),
        ("http://other.org:5000/", "http star-port"),
        ("https://example.com/", "http star"),
        ("https://a.example.com/", "http suffix"),
        ("https://a.b.example.com/", "http long-suffix"),
        ("https://b.example.com/", "http suffix"),
        ("https://evilexample.com/", "http star"),
        ("https://r.example.com/v2/", "registry exact"),
        ("https://R.EXAMPLE.com/v2/", "registry exact"),
        ("https://r.example.com:8080/v2/", "registry exact-port"),
        ("https://r.example.com/models/x", "http exact-path"),
        ("https://r.example.com/models", "registry exact"),
        ("https://r.example.com/models/big/x", "http longer-path"),
        ("https://r.example.com/models/bigger", "http exact-path"),
        ("https://r.example.com/models/../secret", "registry exact"),
        ("https://r.example.com/models/%2e%2E/secret", "registry exact"),
        ("https://s.org/", "registry https-port"),
        ("https://s.org:443/", "registry https-port"),
        ("http://s.org:8443/", "http star"),
        ("http://[::1]:5000/", "registry v6"),
        ("file:///data/x", "file data"),
        ("file:///other", "refused"),
    ])
    func letsTheMostSpecificEntryWin(url: String, expected: String) throws {
        let backends = try registry(
            """
            backends:
              - {plugin: http, id: star}
              - {plugin: http, id: star-port, hosts: ["*:5000"]}
              - {plugin: http, id: suffix, hosts: ["*.example.com"]}
              - {plugin: http, id: long-suffix, hosts: ["*.b.example.com"]}
              - {plugin: registry, id: exact, hosts: [r.example.com]}
              - {plugin: registry, id: exact-port, hosts: ["r.example.com:8080"]}
              - {plugin: http, id: exact-path, hosts: [R.example.com], paths: [/models/]}
              - {plugin: http, id: longer-path, hosts: [r.example.com], paths: [/models/big]}
              - {plugin: registry, id: https-port, hosts: ["s.org:443"]}
              - {plugin: registry, id: v6, hosts: ["[::1]:5000"]}
              - {plugin: file, id: data, paths: [/data]}
            """
        )
        #expect(try name(backends, url) == expected)
    }

    @Test func keepsAPluginsDefaultOnlyWhileNoEntryNamesIt() throws {
        let other = try registry("backends:\n  - {plugin: registry, hosts: [r.io], id: r}\n")
        #expect(try name(other, "https://a/") == "http default")
        #expect(try name(other, "https://r.io/") == "registry r")
        let only = try registry("backends:\n  - {plugin: http, hosts: [a], id: a}\n")
        #expect(try name(only, "https://a/") == "http a")
        #expect(try name(only, "https://b/") == "refused")
        let off = try registry("backends:\n  - {plugin: http, hosts: []}\n")
        #expect(try name(off, "https://a/") == "refused")
    }

    @Test func prefersAnEntryToADefault() throws {
        let backends = try registry("backends:\n  - {plugin: registry, id: all}\n")
        #expect(try name(backends, "https://a/") == "registry all")
    }

    @Test(arguments: [
        (
            "backends:\n  - plugin: htp\n",
            "supernode.yml:2: unknown backend plugin 'htp' (there are 'file', 'http', 'registry')"
        ),
        (
            "backends:\n  - plugin: http\n    ide: x\n",
            "supernode.yml:3: unknown key 'ide' in 'backends[0]' (did you mean 'id'?)"
        ),
        ("backends:\n  - hosts: [a]\n", "supernode.yml:2: 'plugin' in 'backends[0]' must be named"),
        (
            "backends:\n  - plugin: http\n    hosts: ['*a.b']\n",
            "supernode.yml:3: 'hosts' in 'backends[0]' must be host, host:port, *.domain or *, found '*a.b'"
        ),
        (
            "backends:\n  - {plugin: http, hosts: [a, b]}\n  - {plugin: registry, hosts: ['B']}\n",
            "supernode.yml:3: http://b/ is served by another entry already in line 2"
        ),
        (
            "backends:\n  - {plugin: http, hosts: [a, A]}\n",
            "supernode.yml:2: http://a/ is served by another entry already in line 2"
        ),
        (
            "backends:\n  - {plugin: http, paths: [/]}\n  - {plugin: http}\n",
            "supernode.yml:3: http://*/ is served by another entry already in line 2"
        ),
        (
            "backends:\n  - {plugin: http, paths: [x]}\n",
            "supernode.yml:2: 'paths' in 'backends[0]' must start with /, found 'x'"
        ),
        (
            "backends:\n  - {plugin: http, schemes: ['HTTP://']}\n",
            "supernode.yml:2: 'schemes' in 'backends[0]' must be names such as https, found 'HTTP://'"
        ),
    ])
    func namesPlaceAndFault(yaml: String, expected: String) {
        let error = #expect(throws: ConfigError.self) { _ = try registry(yaml) }
        #expect(error?.description == expected)
    }

    @Test(arguments: [
        "", "*.", "*.*", "**", "a.*", "*a", "a:0", "a:65536", "a:x", "a/b", "a?b", "u@a", "a b", "::1", "[::1",
        "*..", "é", "a#b",
        "*.a/b", "*@a", "%41",
    ])
    func refusesWhatIsNoHostPattern(host: String) throws {
        var entry = BackendEntry()
        entry.plugin = "http"
        entry.hosts = [host]
        #expect(throws: ConfigError.self) { _ = try BackendRegistry(plugins: plugins, entries: [entry]) }
    }

    @Test func refusesTwoPluginsOfOneName() {
        let twice = [NamedPlugin(name: "a", schemes: ["a"]), NamedPlugin(name: "a", schemes: ["b"])]
        #expect(throws: ConfigError.self) { _ = try BackendRegistry(plugins: twice, entries: []) }
        let same = [NamedPlugin(name: "a", schemes: ["x"]), NamedPlugin(name: "b", schemes: ["x"])]
        #expect(throws: ConfigError.self) { _ = try BackendRegistry(plugins: same, entries: []) }
    }

    @Test func decoratesEveryBackend() throws {
        let decorated = try BackendRegistry(plugins: plugins, entries: []) { _, plugin in
            NamedBackend(name: "decorated \(plugin)")
        }
        #expect(try name(decorated, "http://a/") == "decorated http")
    }

    @Test(
        "Only an entry that names the very host says whose server it is",
        arguments: [
            ("http://a.test/v2/x", true), ("http://a.test:80/y", true), ("http://a.test:81/", true),
            ("http://b.test:5000/", true), ("http://b.test:5001/", false), ("http://sub.c.test/", false),
            ("http://elsewhere/", false), ("http://a.test.evil/", false), ("http://d.test/v2/x", true),
            ("http://d.test/x", false), ("ftp://a.test/", false),
        ]
    )
    func namesHosts(url: String, isNamed: Bool) throws {
        let registry = try registry(
            """
            backends:
              - {plugin: http, hosts: [a.test, "b.test:5000", "*.c.test", "*"]}
              - {plugin: http, hosts: [d.test], paths: [/v2/]}
            """
        )
        #expect(registry.names(try #require(ResourceURL(url))) == isNamed)
    }
}
