import Content
import TestSupport
import Testing

/// A node without supernodes passes on what comes slowly before whole pieces of it are there.
@Suite(.serialized) struct SlowOriginTests {
    private static let held = 200 << 10
    private static let enough = 64 << 10

    private func withNode(
        _ answer: @escaping ScriptedServer.Handler,
        _ body: (Daemon, ScriptedServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer(answer) { server in
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: server.url(""),
                    "proxies: [{regx: .}]"
                )
                try await withDaemon(configuration, in: directory) { daemon in try await body(daemon, server) }
            }
        }
    }

    @Test("A blob's first bytes are with two clients while the first piece is coming, and the blob is fetched once")
    func blob() async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 41, held: Self.held)
        try await withNode {
            origin.answer($0)
        } _: { daemon, registry in
            let (client, url) = (Client(), "http://\(daemon.proxy)\(origin.path)")
            let (first, second) = (TestEvent(), TestEvent())
            async let one = client.receive(url, reaching: Self.enough, first)
            async let two = client.receive(url, reaching: Self.enough, second)
            await first.wait()
            await second.wait()
            origin.release.fire()
            for (answer, isWhole) in try await [one, two] {
                #expect(isWhole)
                #expect(answer.body == origin.bytes)
            }
            #expect(try await daemon.received(from: "origin") == 1 << 20)
        }
    }
}
