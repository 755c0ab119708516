import Content
import Foundation
import TestSupport
import Testing

/// What a client of the mirror sees: the same as from the registry itself.
@Suite(.serialized) struct BlobRequestTests {
    private static let pieceSize = 256 << 10
    private let client = Client()

    /// One node before a registry with one blob.
    private func withNode(
        _ origin: BlobOrigin,
        _ body: (Daemon, ScriptedServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { server in
                try await withCluster(of: 1, registry: server.url(""), in: directory) { _, daemons in
                    try await body(daemons[0], server)
                }
            }
        }
    }

    @Test func aWarmBlobAnswersHeadAndEveryKindOfRangeAsTheRegistryDoes() async throws {
        let origin = BlobOrigin(byteCount: 5 * Self.pieceSize + 17, seed: 1)
        try await withNode(origin) { daemon, server in
            let url = "http://\(daemon.proxy)\(origin.path)"
            let cold = try await client.send("GET", url)
            #expect(cold.status == 200)
            #expect(cold.body.elementsEqual(origin.bytes))
            let gets = server.requests.count { $0.method == "GET" }

            let ranges = [
                "bytes=0-0", "bytes=100-99999", "bytes=\(Self.pieceSize - 1)-\(Self.pieceSize)", "bytes=-5",
                "bytes=1310720-", "bytes=99999999-", "bytes=5-2", "bytes=nonsense", "pages=1-2",
            ]
            for range in ranges {
                let direct = try await client.send("GET", server.url(origin.path), ["Range": range])
                let through = try await client.send("GET", url, ["Range": range])
                #expect(through.status == direct.status, "\(range)")
                #expect(through.headers["Content-Range"] == direct.headers["Content-Range"], "\(range)")
                if direct.status != 416 { #expect(through.body == direct.body, "\(range)") }
            }
            let head = try await client.send("HEAD", url)
            #expect(head.status == 200)
            #expect(head.headers["Content-Length"] == "\(origin.bytes.count)")
            #expect(head.headers["Docker-Content-Digest"] == origin.digest.description)
            #expect(head.body.isEmpty)
            let warm = try await client.send("GET", url)
            #expect(warm.body.elementsEqual(origin.bytes))
            #expect(warm.headers["Content-Type"] == "application/octet-stream")
            #expect(warm.headers["Docker-Content-Digest"] == origin.digest.description)
            // Only the comparisons above went to the registry.
            #expect(server.requests.count { $0.method == "GET" } == gets + ranges.count)
        }
    }

    @Test func aBlobStillArrivingIsStreamedAndAnswersRanges() async throws {
        let half = 6 * Self.pieceSize
        let origin = BlobOrigin(byteCount: 12 * Self.pieceSize, seed: 2, held: half)
        try await withNode(origin) { daemon, _ in
            let url = "http://\(daemon.proxy)\(origin.path)"
            let arrived = TestEvent()
            async let whole = client.receive(url, [:], reaching: half, arrived)
            // Half of it comes through while the registry holds the rest.
            await arrived.wait()
            let early = try await client.send("GET", url, ["Range": "bytes=10-400000"])
            #expect(early.status == 206)
            #expect(early.headers["Content-Range"] == "bytes 10-400000/\(origin.bytes.count)")
            #expect(early.body == Array(origin.bytes[10...400_000]))
            #expect(!origin.release.hasFired)
            let unsatisfiable = try await client.send("GET", url, ["Range": "bytes=99999999-"])
            #expect(unsatisfiable.status == 416)
            #expect(unsatisfiable.headers["Content-Range"] == "bytes */\(origin.bytes.count)")

            async let late = client.send("GET", url, ["Range": "bytes=-1000"])
            origin.release.fire()
            #expect(try await late.body == Array(origin.bytes.suffix(1000)))
            let result = try await whole
            #expect(result.isWhole)
            #expect(result.answer.body.elementsEqual(origin.bytes))
        }
    }

    @Test(arguments: [false, true]) func wrongBytesUnderADigestAreCutOffAndNeverKept(isEmpty: Bool) async throws {
        let right = BlobOrigin(byteCount: 9 * Self.pieceSize + 1, seed: 3)
        let isRight = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                if isRight.hasFired { return right.answer(request) }
                if isEmpty { return .content([], for: request) }
                var wrong = right.bytes
                wrong[wrong.count / 2] ^= 1
                return .content(wrong, for: request)
            } body: { server in
                try await withCluster(of: 2, registry: server.url(""), in: directory) { _, daemons in
                    for daemon in daemons {
                        let (answer, isWhole) = try await client.receive("http://\(daemon.proxy)\(right.path)")
                        #expect(!(isWhole && answer.status == 200))
                        #expect(answer.body.count < right.bytes.count)
                    }
                    isRight.fire()
                    for daemon in daemons {
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(right.path)")
                        #expect(answer.status == 200)
                        #expect(answer.body.elementsEqual(right.bytes))
                    }
                }
            }
        }
    }

    @Test(arguments: [1, 1000, pieceSize])
    func aSmallBlobWithWrongBytesIsRefusedInTheRegistrysWords(size: Int) async throws {
        let origin = BlobOrigin(byteCount: size, seed: 8)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                .content([UInt8](repeating: 0, count: size), for: request)
            } body: { server in
                try await withCluster(of: 1, registry: server.url(""), in: directory) { _, daemons in
                    let answer = try await client.send("GET", "http://\(daemons[0].proxy)\(origin.path)")
                    #expect(answer.status == 502)
                    #expect(answer.text.contains("\"errors\""))
                }
            }
        }
    }

    @Test func aTruncatedBlobIsNeverServedAsAWholeOne() async throws {
        let origin = BlobOrigin(byteCount: 4 * Self.pieceSize, seed: 4)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                request.path == origin.path ? .short(origin.bytes, sending: 300_000) : .respond(404)
            } body: { server in
                try await withCluster(of: 1, registry: server.url(""), in: directory) { _, daemons in
                    let (answer, isWhole) = try await client.receive("http://\(daemons[0].proxy)\(origin.path)")
                    #expect(!(isWhole && answer.status == 200))
                    #expect(answer.body.elementsEqual(origin.bytes.prefix(answer.body.count)) || answer.status != 200)
                }
            }
        }
    }

    @Test(arguments: RegistryMode.allCases)
    func refusalsAreTheRegistrysOwn(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.1], seed: 5)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                try await withCluster(of: 1, registry: registry.url, in: directory) { _, daemons in
                    let blob = try #require(image.blobs.first)
                    let missing = Digest.of("nothing")
                    let paths = [
                        "/v2/", "/v2/library/a/blobs/\(missing)", "/v2/library/a/blobs/\(blob)",
                        "/v2/library/a/manifests/v1", "/v2/library/a/manifests/none", "/v2/library/none/tags/list",
                        "/v2/library/a/tags/list",
                    ]
                    for path in paths {
                        let direct = try await client.send("GET", registry.url + path)
                        let through = try await client.send("GET", "http://\(daemons[0].proxy)\(path)")
                        #expect(through.status == direct.status, "\(path)")
                        #expect(through.body == direct.body, "\(path)")
                        for field in ["WWW-Authenticate", "Content-Type", "Docker-Distribution-Api-Version"] {
                            #expect(through.headers[field] == direct.headers[field], "\(path) \(field)")
                        }
                    }
                }
            }
        }
    }

    @Test func aRegistryThatIsNotConfiguredIsNotDialled() async throws {
        let origin = BlobOrigin(byteCount: 1000, seed: 6)
        try await withScriptedServer {
            origin.answer($0)
        } body: { stranger in
            try await withNode(origin) { daemon, _ in
                for path in [origin.path, "/v2/library/a/manifests/v1", "/v2/"] {
                    let names = [
                        stranger.authority, "127.0.0.1", "registry.test", "user@\(stranger.authority)", "", "%00",
                    ]
                    for name in names {
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(path)?ns=\(name)")
                        #expect((400..<500).contains(answer.status), "\(path) \(name)")
                    }
                }
                #expect(stranger.connections == 0)
            }
        }
    }

    @Test func aLoopbackOriginIsRefusedUnlessAllowed() async throws {
        let origin = BlobOrigin(byteCount: 1000, seed: 7)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { server in
                func guarded(_ configuration: String) -> String {
                    configuration.replacing("allow_addresses: [127.0.0.0/8]", with: "allow_addresses: []")
                }
                let home = "\(directory)/s"
                try await withSupernode(guarded(Configurations.supernode(home: "\(home)/home")), in: home) {
                    supernode in
                    let configuration = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode.api],
                        registry: server.url("")
                    )
                    try await withDaemon(guarded(configuration), in: "\(directory)/d") { daemon in
                        for path in [origin.path, "/v2/library/a/manifests/v1"] {
                            let answer = try await client.send("GET", "http://\(daemon.proxy)\(path)")
                            #expect(answer.status == 502)
                            #expect(
                                answer.text.contains("not allowed") || answer.text.contains("refused"),
                                "\(answer.text)"
                            )
                        }
                    }
                }
                #expect(server.connections == 0)
            }
        }
    }
}
