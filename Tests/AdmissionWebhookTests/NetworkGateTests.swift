import CurlTransport
import Foundation
import Logging
import NodeConfig
import PeerEngine
import Synchronization
import TestSupport
import Testing

@testable import AdmissionWebhook

/// Whether the network can serve.
@Suite struct NetworkGateTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// What a test lets a gate see.
    private final class Settings: Sendable {
        private let state = Mutex(GateConfiguration())

        var gate: GateConfiguration {
            get { state.withLock { $0 } }
            set { state.withLock { $0 = newValue } }
        }
    }

    private func withGate(
        _ client: KubernetesClient?,
        _ body: (NetworkGate, Settings) async throws -> Void
    ) async throws {
        let transport = CurlTransport(logger: Self.quiet)
        let settings = Settings()
        let probe = NetworkProbe(transport: transport, client: client)
        try await body(NetworkGate({ settings.gate }, probe: probe, logger: Self.quiet), settings)
        await transport.shutdown()
    }

    @Test("With nothing to look at it is open; with something, only once that has been seen")
    func opinions() async throws {
        try await withGate(nil) { gate, settings in
            #expect(gate.reason == nil)
            await gate.look()
            #expect(gate.reason == nil)
            settings.gate.supernodes = [try #require(SupernodeAddress("127.0.0.1:1"))]
            #expect(gate.reason == "it has not been looked at yet")
            await gate.look()
            #expect(gate.reason == "no supernode is ready")
            settings.gate.supernodes = []
            #expect(gate.reason == nil)
        }
    }

    @Test("One supernode that is ready is enough")
    func supernodes() async throws {
        let status = Mutex(503)
        try await withScriptedServer { _ in
            .respond(status.withLock { $0 })
        } body: { server in
            try await withGate(nil) { gate, settings in
                settings.gate.supernodes = ["127.0.0.1:1", server.authority].compactMap { SupernodeAddress($0) }
                await gate.look()
                #expect(gate.reason == "no supernode is ready")
                status.withLock { $0 = 200 }
                #expect(gate.reason != nil)
                await gate.look()
                #expect(gate.reason == nil)
                #expect(server.requests.allSatisfy { $0.target == "/readyz" })
                status.withLock { $0 = 302 }
                await gate.look()
                #expect(gate.reason != nil)
            }
        }
    }

    @Test(
        "Enough pods of the DaemonSet have to be ready",
        arguments: [
            (#"{"numberReady": 9, "desiredNumberScheduled": 10}"#, true),
            (#"{"numberReady": 8, "desiredNumberScheduled": 10}"#, false),
            (#"{"numberReady": 17, "desiredNumberScheduled": 19}"#, false),
            (#"{"numberReady": 18, "desiredNumberScheduled": 20}"#, true),
            (#"{"numberReady": 0, "desiredNumberScheduled": 0}"#, false),
            (#"{"desiredNumberScheduled": 1}"#, false), ("{}", false), ("[]", false),
            (#"{"numberReady": "9", "desiredNumberScheduled": 10}"#, false),
            (#"{"numberReady": -1, "desiredNumberScheduled": -1}"#, false),
            (#"{"numberReady": 9223372036854775807, "desiredNumberScheduled": 9223372036854775807}"#, false),
        ]
    )
    func daemonSet(status: String, isOpen: Bool) async throws {
        try await withFakeCluster { cluster, client, _ in
            cluster[FakeCluster.daemons] = .object(["status": JSONValue(text: status) ?? .null])
            try await withGate(client) { gate, settings in
                settings.gate.daemonSet = "dfdaemon"
                await gate.look()
                #expect((gate.reason == nil) == isOpen, "\(gate.reason ?? "")")
            }
        }
    }

    @Test("A DaemonSet that can not be looked at is none that is ready")
    func noDaemonSet() async throws {
        try await withFakeCluster { cluster, client, _ in
            try await withGate(client) { gate, settings in
                settings.gate.daemonSet = "dfdaemon"
                await gate.look()
                #expect(gate.reason?.contains("404: not found") == true)
                cluster.isDown = true
                await gate.look()
                #expect(gate.reason?.contains("503: is down") == true)
            }
        }
        try await withGate(nil) { gate, settings in
            settings.gate.daemonSet = "dfdaemon"
            await gate.look()
            #expect(gate.reason?.contains("this is no pod") == true)
        }
    }

    @Test(
        "A percentage is a whole number of them",
        arguments: ["", "%", "90", "-1%", "101%", "9.5%", "90 %", "x%", "099%", "99999999999999999999%"]
    )
    func noPercentages(text: String) {
        #expect(Percentage(configText: text) == nil)
    }

    @Test(
        "A service account that is not there is named",
        arguments: ["{}", "{namespace: darter}", "{server: 'http://a'}"]
    )
    func noAccount(text: String) throws {
        var configuration = KubernetesConfiguration()
        try ConfigFile.parse(text: text, file: "x.yml", into: &configuration)
        configuration.account = "/nowhere"
        let transport = CurlTransport(logger: Self.quiet)
        let error = #expect(throws: ConfigError.self) {
            try KubernetesClient(configuration, transport: transport, environment: [:])
        }
        #expect(error?.description.contains("kubernetes.") == true)
    }
}
