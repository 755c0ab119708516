import Content
import TestSupport
import Testing

/// Runtimes that read parts of layers.
@Suite(.serialized) struct LazyPullTests {
    private static let piece = 256 << 10
    private let client = Client()

    @Test("A node brings what the parts lie in, through a supernode and without", arguments: [true, false])
    func parts(hasSupernode: Bool) async throws {
        let origin = BlobOrigin(byteCount: 64 * Self.piece, seed: 91)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                let home = "\(directory)/s"
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let configuration = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: hasSupernode ? [supernode.api] : [],
                        registry: registry.url("")
                    )
                    .replacing("registries: []}", with: "registries: [], prefetch: none}")
                    try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                        try await pull(origin, daemon, from: hasSupernode ? "supernode" : "origin")
                    }
                }
            }
        }
    }

    private func pull(_ origin: BlobOrigin, _ daemon: Daemon, from source: String) async throws {
        let url = "http://\(daemon.proxy)\(origin.path)"
        // The end first, as stargz has it.
        let ranges = [64 * Self.piece - 51..<64 * Self.piece, 100..<2000, 9 * Self.piece - 1..<10 * Self.piece + 1]
        for range in ranges {
            let answer = try await client.send(
                "GET",
                url,
                ["Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)"]
            )
            #expect(answer.status == 206)
            #expect(answer.body.elementsEqual(origin.bytes[range]))
        }
        // Pieces 63, 0, 8, 9 and 10.
        #expect(try await daemon.received(from: source) == 5 * Self.piece)
        let whole = try await client.send("GET", url)
        #expect(whole.body.elementsEqual(origin.bytes))
        #expect(try await daemon.received(from: source) == origin.bytes.count)
    }
}
