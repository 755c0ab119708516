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

    @Test(
        "So are those of content that a rule takes through the cache, with a length or without",
        arguments: [true, false]
    )
    func content(tellsLength: Bool) async throws {
        let (bytes, release) = (randomBytes(3 << 20, seed: 42), TestEvent())
        try await withNode { _ in
            let (start, rest) = (bytes.prefix(Self.held), bytes.dropFirst(Self.held))
            var fields: HeaderFields = ["ETag": "\"one\"", "Cache-Control": "max-age=3600"]
            fields[tellsLength ? "Content-Length" : "Transfer-Encoding"] = tellsLength ? "\(bytes.count)" : "chunked"
            guard tellsLength else {
                return .head(200, fields).chunk(start).wait(release).chunk(rest).chunk([])
            }
            return .head(200, fields).body(start).wait(release).body(rest)
        } _: { daemon, server in
            let (client, began) = (Client(proxy: daemon.proxy), TestEvent())
            async let answer = client.receive(server.url("/file"), reaching: Self.enough, began)
            await began.wait()
            release.fire()
            let got = try await answer
            #expect(got.isWhole)
            #expect(got.answer.body == bytes)
            let again = try await client.send("GET", server.url("/file"))
            #expect(again.cacheStatus == "darter; hit")
            #expect(again.body == bytes)
        }
    }

    @Test("Events pass as they happen, though a rule has the cache ask first")
    func events() async throws {
        let goOn = TestEvent()
        try await withNode { _ in
            .head(200, ["Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"])
                .chunk("data: 1\n\n".utf8).wait(goOn).chunk("data: 2\n\n".utf8).chunk([])
        } _: { daemon, server in
            let (client, began) = (Client(proxy: daemon.proxy), TestEvent())
            async let answer = client.receive(server.url("/events"), reaching: 9, began)
            await began.wait()
            goOn.fire()
            let got = try await answer
            #expect(got.isWhole)
            #expect(got.answer.text == "data: 1\n\ndata: 2\n\n")
            #expect(got.answer.cacheStatus.contains("detail=not_shareable"))
        }
    }
}
