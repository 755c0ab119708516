import Content
import CurlTransport
import Foundation
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

/// A supernode that takes connections, and says nothing or little.
@Suite(.timeLimit(.minutes(2))) struct SilentSupernodeTests {
    /// A supernode that answers look-ups once they are released.
    private final class Supernode: Sendable {
        let isFrozen: Mutex<Bool>
        let release = TestEvent()

        init(isFrozen: Bool) { self.isFrozen = Mutex(isFrozen) }

        func answer(_ request: ScriptedRequest) async -> Script {
            if isFrozen.withLock({ $0 }) { return .wait(TestEvent()) }
            if request.path == "/healthz" { return .respond(200) }
            await release.wait()
            var head = HeadResponse(headers: [:])
            head.length = 7
            return .respond(200, body: Array((try? JSONEncoder().encode(head)) ?? Data()))
        }
    }

    private func withConnection(
        _ supernode: Supernode,
        failover: Duration,
        _ body: (SupernodeConnection, ScriptedServer) async throws -> Void
    ) async throws {
        try await withScriptedServer {
            await supernode.answer($0)
        } body: { server in
            let transport = CurlTransport(logger: quiet)
            var options = TransferOptions()
            options.addresses = .any
            options.proxy = .none
            var configuration = PeerEngineConfiguration()
            configuration.failover = failover
            configuration.retrySupernode = .milliseconds(1)
            let address = try #require(SupernodeAddress("127.0.0.1:\(server.port)"))
            let connection = SupernodeConnection(
                client: SupernodeClient(address: address, transport: transport, options: options),
                identity: NodeIdentity(name: "test"),
                configuration: configuration,
                token: nil,
                logger: quiet
            )
            connection.adopt(
                PeerRegistrationResponse(
                    version: 1,
                    peer: PeerID(),
                    key: String(repeating: "0", count: 64),
                    supernode: PeerID(),
                    piecesPort: 8001,
                    aliveSeconds: 60,
                    address: "127.0.0.1"
                )
            )
            try await body(connection, server)
            await transport.shutdown()
        }
    }

    private func lookUp(_ connection: SupernodeConnection) async throws -> HeadResponse {
        try await connection.lookUp(HeadRequest(url: try #require(ResourceURL("http://origin/file"))))
    }

    @Test("A client waits for a quarter of the time after which a transfer is given up, but for 750 ms at least")
    func silence() {
        for (failover, silence) in [(3000, 750), (2000, 750), (500, 500), (30_000, 7500)] {
            var configuration = PeerEngineConfiguration()
            configuration.failover = .milliseconds(failover)
            #expect(configuration.silence == .milliseconds(silence))
        }
    }

    @Test("One that is slow is waited for as long as it answers a small question")
    func slow() async throws {
        let supernode = Supernode(isFrozen: false)
        try await withConnection(supernode, failover: .seconds(20)) { connection, server in
            async let head = lookUp(connection)
            await eventually { server.requests.count { $0.path == "/healthz" } >= 2 }
            supernode.release.fire()
            let length = try await head.length
            #expect(length == 7)
            #expect(!connection.saysNothing)
        }
    }

    @Test("One that says nothing is given up after one question, and asked in the background whether it is there again")
    func frozen() async throws {
        let supernode = Supernode(isFrozen: true)
        try await withConnection(supernode, failover: .milliseconds(400)) { connection, server in
            await #expect(throws: SupernodeError.self) { try await lookUp(connection) }
            #expect(server.requests.count { $0.path == "/healthz" } == 1)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await connection.run() }
                connection.avoid(isRefusal: false)
                await eventually { server.requests.count { $0.path == "/healthz" } >= 3 }
                #expect(connection.saysNothing)
                #expect(connection.isAvoided(at: .now + .seconds(3600)))
                supernode.isFrozen.withLock { $0 = false }
                await eventually { !connection.saysNothing }
                #expect(!connection.isAvoided(at: .now))
                group.cancelAll()
            }
            #expect(server.requests.count { $0.path != "/healthz" } == 1)
        }
    }

    /// A download that waits for pieces.
    private final class Waiting: ExchangeParticipant {
        let taskID = TaskID(content: Digest.of("x"))
        /// How many calls were made, and how many until the supernode was given up.
        let calls = Mutex((made: 0, untilLost: Int?.none))

        var hasNews: Bool { false }
        func report(for sequence: UInt64) -> TaskReport? {
            calls.withLock { $0.made += 1 }
            return TaskReport(task: taskID, generation: Generation(content: Digest.of("x")), window: 1)
        }
        func settle(_ sequence: UInt64, arrived: Bool) {}
        func receive(_ update: TaskUpdate, from supernode: PeerRegistrationResponse) {}
        func lostRegistration() {}
        func lostSupernode(_ address: SupernodeAddress) {
            calls.withLock { $0.untilLost = $0.untilLost ?? $0.made }
        }
    }

    @Test("A download waits for one call in vain, and for a small question after it")
    func frozenInTheMiddle() async throws {
        let supernode = Supernode(isFrozen: true)
        try await withConnection(supernode, failover: .milliseconds(400)) { connection, _ in
            let download = Waiting()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await connection.run() }
                connection.attach(download)
                await eventually { download.calls.withLock { $0.untilLost != nil } }
                #expect(connection.saysNothing)
                group.cancelAll()
            }
            #expect(download.calls.withLock { $0.untilLost } == 1)
        }
    }
}
