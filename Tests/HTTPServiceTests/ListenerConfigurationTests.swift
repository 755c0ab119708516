import HTTPService
import NodeConfig
import Testing

@Suite struct ListenerConfigurationTests {
    static let fresh = ListenerConfiguration(address: ListenAddress(.tcp(host: "::", port: 8002)))

    static func parse(_ text: String) throws -> ListenerConfiguration {
        var configuration = fresh
        try ConfigFile.parse(text: text, file: "x.yml", into: &configuration)
        return configuration
    }

    @Test func readsEveryKey() throws {
        let configuration = try Self.parse(
            """
            address: unix:/run/x.sock
            tls:
              certificate: a.crt
              key: a.key
              client_ca: ca.crt
            connections: 7
            header_timeout: 1s
            idle_timeout: 2m
            stall_timeout: 3s
            drain: 0s
            access_log: false
            """
        )
        #expect(configuration.address.place == .unix(path: "/run/x.sock"))
        #expect(configuration.tls?.certificate == "a.crt")
        #expect(configuration.tls?.key == "a.key")
        #expect(configuration.tls?.clientCA == "ca.crt")
        #expect(configuration.connections == 7)
        #expect(configuration.headerTimeout == .seconds(1))
        #expect(configuration.idleTimeout == .seconds(120))
        #expect(configuration.stallTimeout == .seconds(3))
        #expect(configuration.drain == .zero)
        #expect(!configuration.accessLog)
    }

    @Test func printsWhatItReads() throws {
        let text = printed(Self.fresh)
        let again = try Self.parse(text)
        #expect(printed(again) == text)
        #expect(again.tls == nil)
        #expect(again.address == Self.fresh.address)
    }

    @Test(arguments: [
        "address: 8002", "address: unix:x", "tls: {certificate: a}", "tls: {key: a}", "tls: {client_ca: a}",
        "idle_timeout: 0s", "connections: 0", "headers_timeout: 1s",
    ])
    func refuses(text: String) {
        let error = #expect(throws: ConfigError.self) { _ = try Self.parse(text) }
        #expect(error?.line == 1)
        #expect(error?.file == "x.yml")
    }
}
