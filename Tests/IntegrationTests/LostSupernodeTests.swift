import Content
import Foundation
import TestSupport
import Testing

/// A supernode dies at once, as `kill -9` has it: nobody waits for what does not come back.
@Suite(.serialized) struct LostSupernodeTests {
    private static let half = 8 * 256 << 10
    private let client = Client()

    /// One node with a supernode, before a registry with one blob; whatever is waited for takes a minute.
    private func withNode(
        _ answer: @escaping ScriptedServer.Handler,
        _ body: (Supernode, Daemon, ScriptedServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer(answer) { registry in
                let home = "\(directory)/s"
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let configuration = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode.api],
                        registry: registry.url("")
                    )
                    .replacing("peer: {failover: 2s, back_to_source_delay: 50ms}", with: "peer: {failover: 1m}")
                    try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                        try await body(supernode, daemon, registry)
                    }
                }
            }
        }
    }

    /// Far more than a second, for busy machines, and far less than a minute.
    private func soon(_ body: () async throws -> Void) async throws {
        let start = ContinuousClock.now
        try await body()
        #expect(start.duration(to: .now) < .seconds(20))
    }

    @Test("A cold blob comes from the registry", arguments: [false, true])
    func cold(isRegistered: Bool) async throws {
        let before = BlobOrigin(byteCount: 1 << 20, seed: 81)
        let origin = BlobOrigin(byteCount: 2 * Self.half, seed: 82)
        try await withNode { request in
            request.path == before.path ? before.answer(request) : origin.answer(request)
        } _: { supernode, daemon, _ in
            if isRegistered {
                let answer = try await client.send("GET", "http://\(daemon.proxy)\(before.path)")
                #expect(answer.body.elementsEqual(before.bytes))
            }
            await supernode.process.kill()
            try await soon {
                let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
                #expect(answer.body.elementsEqual(origin.bytes))
            }
            #expect(try await daemon.received(from: "origin") == origin.bytes.count)
        }
    }

    @Test("A blob that the supernode was just asked for comes from the registry")
    func asked() async throws {
        let origin = BlobOrigin(byteCount: 2 * Self.half, seed: 83)
        let held = TestEvent()
        try await withNode { request in
            if request.number == 1 { await held.wait() }
            return origin.answer(request)
        } _: { supernode, daemon, registry in
            let pull = Task { try await client.send("GET", "http://\(daemon.proxy)\(origin.path)") }
            await registry.waitForRequests(1)
            await supernode.process.kill()
            try await soon {
                let answer = try await pull.value
                #expect(answer.body.elementsEqual(origin.bytes))
            }
            held.fire()
        }
    }

    @Test("A pull in the middle goes on at the registry, which sends only what is missing")
    func inTheMiddle() async throws {
        let origin = BlobOrigin(byteCount: 2 * Self.half, seed: 84, held: Self.half + 100)
        try await withNode {
            origin.answer($0)
        } _: { supernode, daemon, registry in
            let arrived = TestEvent()
            let url = "http://\(daemon.proxy)\(origin.path)"
            let pull = Task { try await client.receive(url, [:], reaching: Self.half, arrived) }
            await arrived.wait()
            await supernode.process.kill()
            origin.release.fire()
            try await soon {
                let (answer, isWhole) = try await pull.value
                #expect(isWhole)
                #expect(answer.body.elementsEqual(origin.bytes))
            }
            #expect(try await daemon.received(from: "origin") == origin.bytes.count - Self.half)
            let offsets = registry.requests.filter { $0.method == "GET" && $0.path == origin.path }
                .map { $0.headers["Range"] }
            #expect(offsets.count == 2)
            #expect(offsets.last??.hasPrefix("bytes=\(Self.half)-") == true)
        }
    }
}
