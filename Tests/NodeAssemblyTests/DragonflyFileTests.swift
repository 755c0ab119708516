import BackendAPI
import Certification
import ContentProxy
import Foundation
import HTTPService
import NodeAssembly
import NodeConfig
import PeerEngine
import TestSupport
import Testing

/// An existing dfdaemon.yml of Dragonfly 1 works as it is.
@Suite struct DragonflyFileTests {
    private static let file = """
        registry_mirror:
          # Remote url for the registry mirror
          remote: https://registry.example.com
          insecure: true
          certs: []
          direct: false
          dynamic: true
        proxies:
          # proxy all http image layer download requests with dfget
          - regx: blobs/sha256.*
          - regx: some-registry/
            use_https: true
          - regx: no-proxy-reg
            direct: true
          - regx: moved-registry
            redirect: another-registry
        dfget_flags: ["--node", "192.168.33.21", "--verbose", "--ip", "192.168.33.23", "--port", "15001",
                      "--expiretime", "3m0s", "--alivetime", "5m0s", "-f", "filterParam1&filterParam2"]
        supernodes:
          - 127.0.0.1
          - 10.10.10.1:8002=2
        ratelimit: 20M
        localrepo: /root/.small-dragonfly/dfdaemon/data/
        dfpath: /opt/dragonfly/df-client/dfget
        port: 65101
        hostIp: 127.0.0.1
        certpem: ""
        keypem: ""
        verbose: false
        maxprocs: 10
        workHome: /root/.small-dragonfly
        logConfig:
          path: /dev/stdout
        localIP: 192.168.33.23
        peerPort: 0
        streamMode: false
        """

    private func load(_ text: String) throws(ConfigError) -> DaemonConfiguration {
        var configuration = DaemonConfiguration()
        try ConfigFile.parse(text: text, file: "dfdaemon.yml", into: &configuration)
        return configuration
    }

    @Test("A whole file, key by key")
    func wholeFile() throws {
        let configuration = try load(Self.file)
        #expect(configuration.mirror.remote == "https://registry.example.com")
        let registry = try #require(configuration.mirror.registries.first)
        #expect(registry.host == "registry.example.com")
        #expect(registry.insecure)
        #expect(registry.caFiles.isEmpty)
        #expect(
            configuration.rules.map { $0.pattern?.text } == [
                "blobs/sha256.*", "some-registry/", "no-proxy-reg", "moved-registry",
            ]
        )
        #expect(configuration.rules.map(\.useHTTPS) == [false, true, false, false])
        #expect(configuration.rules.map(\.direct) == [false, false, true, false])
        #expect(configuration.rules[3].redirect?.text == "another-registry")
        #expect(configuration.rules.allSatisfy { $0.ignoredQuery == ["filterParam1", "filterParam2"] })
        #expect(
            configuration.node.supernodes.map(\.configText) == ["http://127.0.0.1:8002", "http://10.10.10.1:8002=2"]
        )
        #expect(configuration.node.limits.total.download.bytesPerSecond == 20 << 20)
        #expect(configuration.node.limits.task.download == .unlimited)
        #expect(configuration.proxy.address.description == "127.0.0.1:65101")
        #expect(configuration.proxy.tls == nil)
        #expect(configuration.node.pieces.address.description == "[::]:15001")
        #expect(configuration.log.level == .debug)
        #expect(configuration.home == DaemonConfiguration().home)
    }

    @Test("What has no effect any more is named, once and by name")
    func notice() throws {
        let notice = try #require(try load(Self.file).notice)
        for name in [
            "localrepo", "dfpath", "maxprocs", "workHome", "logConfig", "localIP", "streamMode", "dfget_flags: --ip",
            "dfget_flags: --expiretime", "registry_mirror.direct", "registry_mirror.dynamic",
            "dfget_flags: --node (there is supernodes:)",
        ] {
            #expect(notice.contains(name), "\(name)")
        }
        #expect(!notice.contains("ratelimit"))
        #expect(!notice.contains("\n"))
        #expect(try load("home: /a").notice == nil)
    }

    @Test("What is printed has our own keys alone, and means the same")
    func printing() throws {
        let configuration = try load(Self.file)
        let text = printed(configuration)
        for key in ["dfget_flags", "ratelimit", "localrepo", "hostIp"] { #expect(!text.contains("\(key):")) }
        let again = try load(text)
        #expect(printed(again) == text)
        #expect(again.notice == nil)
    }

    @Test("Several files of authorities are several files of ours")
    func certificates() async throws {
        try await withTemporaryDirectory { directory in
            let files = try ["a", "b"].map { name in
                let (certificate, _) = try CertificateAuthority.generate(name: name, days: 1, now: Date())
                try certificate.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
                return "\(directory)/\(name)"
            }
            let mirror = "registry_mirror: {remote: \"https://r.test\", certs: [\(files.joined(separator: ", "))]}"
            let configuration = try load(mirror)
            #expect(configuration.mirror.registries.map(\.caFiles) == [files])
            #expect(try load(printed(configuration)).mirror.registries.map(\.caFiles) == [files])
            #expect(throws: ConfigError.self) { try load(mirror.replacing("/b]", with: "/c]")) }
        }
    }

    @Test("An empty list of supernodes is none")
    func emptySupernodes() throws {
        let configuration = try load("supernodes: []\ndfget_flags: [\"--node=10.0.0.1\"]\n")
        #expect(configuration.node.supernodes.map(\.configText) == ["http://10.0.0.1:8002"])
        #expect(configuration.notice == nil)
    }

    @Test("Other machines are not let in by keys of Dragonfly 1 either, unless it is said which")
    func exposure() throws {
        #expect(throws: ConfigError.self) { try load("hostIp: 0.0.0.0") }
        let configuration = try load("hostIp: 0.0.0.0\nproxy_access: {networks: [10.0.0.0/8]}")
        #expect(configuration.proxy.address.description == "0.0.0.0:65001")
    }

    @Test("Our own keys win over those of Dragonfly 1")
    func ownKeysWin() throws {
        let configuration = try load(
            """
            port: 1234
            ratelimit: 1M
            dfget_flags: [--notbs, --verbose, "--header", "X-A: b"]
            proxy: {address: "127.0.0.1:5"}
            limits: {download: 2M}
            peer: {window: 4}
            log: {level: info}
            """
        )
        #expect(configuration.proxy.address.description == "127.0.0.1:5")
        #expect(configuration.node.limits.total.download.bytesPerSecond == 2 << 20)
        #expect(configuration.node.peer.backToSource)
        #expect(configuration.log.level == .info)
        #expect(configuration.node.backends.map(\.plugin) == ["http"])
        let notice = try #require(configuration.notice)
        for key in ["proxy:", "limits:", "peer:", "log:"] { #expect(notice.contains("(there is \(key))")) }
    }

    @Test(
        "Mistakes in them are mistakes",
        arguments: [
            ("a: 1\nport: 5", "dfdaemon.yml:1: unknown key 'a'"), ("\nport: 70000", "dfdaemon.yml:2: 'port'"),
            ("certpem: a.pem", "dfdaemon.yml:1: 'keypem'"),
            ("\ndfget_flags: [--node]", "dfdaemon.yml:2: 'dfget_flags'"),
            ("verbose: maybe", "dfdaemon.yml:1: 'verbose'"), ("dfget_flag: []", "dfdaemon.yml:1: unknown key"),
        ]
    )
    func mistakes(text: String, expected: String) {
        let error = #expect(throws: ConfigError.self) { try load(text) }
        #expect(error?.description.hasPrefix(expected) == true, "\(String(describing: error))")
    }
}
