import Content
import TestSupport
import Testing

/// What dfdaemon says of each request: in its log, to its client and in its metrics.
@Suite(.serialized) struct AccessLogTests {
    @Test("A blob's line says where its bytes came from, its headers which task it is, its metrics how it was had")
    func blob() async throws {
        let origin = BlobOrigin(byteCount: 700_000, seed: 91)
        let client = Client()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer(origin.answer) { registry in
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: registry.url("")
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    let url = "http://\(daemon.proxy)\(origin.path)"
                    let task = "\(TaskID(content: origin.digest))"
                    for (status, source) in [
                        ("darter; fwd=uri-miss; stored", "origin=700000"), ("darter; hit", "store=700000"),
                    ] {
                        let answer = try await client.send("GET", url)
                        #expect(answer.body.elementsEqual(origin.bytes))
                        #expect(answer.headers["Cache-Status"] == status)
                        #expect(answer.headers["X-Darter-Task"] == task)
                        #expect(answer.headers["X-Darter-Direct"] == nil)
                        let line = try await daemon.process.line(containing: source)
                        for word in [
                            "bytes=700000", "kind=blob", "task=\(task)", "status=200", "upstream=", "remote=", "ms=",
                        ] {
                            #expect(line.contains(word), "\(line)")
                        }
                        #expect(!line.contains("direct="), "\(line)")
                    }
                    let missing = try await client.send(
                        "GET",
                        url.replacing("\(origin.digest)", with: "\(Digest.of([1]))")
                    )
                    #expect(missing.status == 404)
                    #expect(missing.headers["X-Darter-Direct"] == "origin_not_found")
                    _ = try await daemon.process.line(containing: "direct=origin_not_found")
                    let metrics = try await client.send("GET", "http://\(daemon.health)/metrics")
                    let text = String(decoding: metrics.body, as: UTF8.self)
                    for (labels, count) in [
                        (#"cache="uri-miss",kind="blob",way="swarm""#, 1), (#"cache="hit",kind="blob",way="swarm""#, 1),
                        (#"cache="none",kind="blob",way="direct""#, 1),
                    ] {
                        #expect(text.contains("darter_proxy_requests_total{\(labels)} \(count)\n"), "\(text)")
                    }
                }
            }
        }
    }
}
