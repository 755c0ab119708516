import Content
import Foundation
import Synchronization
import TestSupport
import Testing

/// What a registry of the newest specification answers comes through as it is.
@Suite(.serialized) struct MirrorEndpointTests {
    private let client = Client()
    private static let mediaType = "application/vnd.oci.image.manifest.v1+json"

    /// A registry with one manifest under one tag, whose answers to everything else a test writes.
    private final class Registry: Sendable {
        let manifest: [UInt8]
        let isDown = Mutex(false)
        let isSilent = Mutex(false)
        let other: @Sendable (ScriptedRequest) -> Script

        init(_ text: String, _ other: @escaping @Sendable (ScriptedRequest) -> Script = { _ in .respond(404) }) {
            manifest = Array(text.utf8)
            self.other = other
        }

        var digest: Digest { Digest.of(manifest) }

        func answer(_ request: ScriptedRequest) -> Script {
            if isDown.withLock({ $0 }) { return .respond(503) }
            if isSilent.withLock({ $0 }) { return .wait(TestEvent()) }
            guard ["/v2/a/manifests/v1", "/v2/a/manifests/\(digest)"].contains(request.path) else {
                return other(request)
            }
            let headers: HeaderFields = [
                "Content-Type": MirrorEndpointTests.mediaType, "Docker-Content-Digest": "\(digest)",
                "ETag": "\"\(digest)\"",
            ]
            return .respond(200, headers, body: manifest)
        }
    }

    /// Two nodes whose remote is the registry.
    private func withNodes(
        _ registry: Registry,
        _ more: String = "",
        _ body: (ScriptedServer, [Daemon]) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                registry.answer($0)
            } body: { server in
                let named = "{host: registry.test, url: \"\(server.url(""))\"}"
                try await withCluster(of: 2, registry: server.url(""), registries: named, in: directory, daemon: more) {
                    try await body(server, $1)
                }
            }
        }
    }

    @Test func aTagIsAskedForEachTimeAndItsManifestFetchedOnce() async throws {
        let registry = Registry("{\"schemaVersion\":2}")
        try await withNodes(registry) { server, daemons in
            for daemon in daemons + daemons {
                for method in ["HEAD", "GET"] {
                    let answer = try await client.send(method, "http://\(daemon.proxy)/v2/a/manifests/v1")
                    #expect(answer.status == 200)
                    #expect(answer.headers["Content-Type"] == Self.mediaType)
                    #expect(answer.headers["Docker-Content-Digest"] == "\(registry.digest)")
                    #expect(answer.headers["Content-Length"] == "\(registry.manifest.count)")
                    #expect(answer.body == (method == "GET" ? registry.manifest : []))
                }
                let byDigest = "http://\(daemon.proxy)/v2/a/manifests/\(registry.digest)"
                let tag = "\"\(registry.digest)\""
                #expect(try await client.send("GET", byDigest).body == registry.manifest)
                #expect(try await client.send("HEAD", byDigest).headers["Content-Type"] == Self.mediaType)
                #expect(try await client.send("GET", byDigest, ["If-None-Match": tag]).status == 304)
            }
            #expect(server.requests.count { $0.method == "GET" } == 1)
        }
    }

    @Test func aLengthThatTheRegistryDoesNotTellIsNotMadeUp() async throws {
        let registry = Registry("{\"schemaVersion\":2}") { _ in .head(200) }
        try await withNodes(registry) { _, daemons in
            for path in ["tags/list", "blobs/\(registry.digest)", "referrers/\(registry.digest)"] {
                let answer = try await client.send("HEAD", "http://\(daemons[0].proxy)/v2/a/\(path)")
                #expect(answer.status == 200)
                #expect(!answer.headers.contains("Content-Length"), "\(path)")
            }
        }
    }

    @Test func aBodyThatBreaksOffHasNoCleanEnd() async throws {
        let registry = Registry("{\"schemaVersion\":2}") { _ in
            .head(200, ["Transfer-Encoding": "chunked"]).chunk("{\"name\":".utf8).close()
        }
        try await withNodes(registry) { _, daemons in
            let port = try #require(daemons[0].proxy.split(separator: ":").last.flatMap { Int($0) })
            try await withByteConnection(to: port) { client in
                try await client.send("GET /v2/a/tags/list HTTP/1.0\r\n\r\n")
                let (bytes, end) = try await client.readToEnd()
                #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\n\r\n{\"name\":"))
                #expect(end == .reset)
            }
        }
    }

    @Test func aTagIsAnsweredWhileTheRegistryIsDown() async throws {
        let registry = Registry("{\"schemaVersion\":2}")
        try await withNodes(registry) { server, daemons in
            let url = "http://\(daemons[0].proxy)/v2/a/manifests/v1"
            #expect(try await client.send("GET", url).headers["Warning"] == nil)
            registry.isDown.withLock { $0 = true }
            for method in ["HEAD", "GET"] {
                let stale = try await client.send(method, url)
                #expect(stale.status == 200)
                #expect(stale.headers["Warning"]?.hasPrefix("110 ") == true)
                #expect(stale.headers["Docker-Content-Digest"] == "\(registry.digest)")
            }
            // Whoever has not been told before hears of the trouble.
            #expect(try await client.send("GET", "http://\(daemons[1].proxy)/v2/a/manifests/v1").status == 503)
        }
    }

    @Test func aTagIsAnsweredWhileTheRegistrySaysNothing() async throws {
        let registry = Registry("{\"schemaVersion\":2}")
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                registry.answer($0)
            } body: { server in
                let node = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: server.url("")
                ).replacing("registry_mirror: {", with: "registry_mirror: {patience: 500ms, ")
                try await withDaemon(node, in: directory) { daemon in
                    let url = "http://\(daemon.proxy)/v2/a/manifests/v1"
                    #expect(try await client.send("GET", url).headers["Warning"] == nil)
                    registry.isSilent.withLock { $0 = true }
                    let stale = try await client.send("GET", url)
                    #expect(stale.status == 200)
                    #expect(stale.headers["Warning"]?.hasPrefix("110 ") == true)
                    #expect(stale.body == registry.manifest)
                }
            }
        }
    }

    /// Whoever is told goes on with the next place that may have the image.
    @Test func aSilentRegistryIsToldSoonToWhoeverAsksForATagThatWasNeverSeen() async throws {
        try await withTemporaryDirectory { directory in
            let isSilentToAll = Mutex(true)
            try await withScriptedServer { request in
                let isPing = request.path == "/v2/"
                if isPing, !isSilentToAll.withLock({ $0 }) {
                    return .respond(401, ["WWW-Authenticate": "Basic realm=x"])
                }
                return .wait(TestEvent())
            } body: { server in
                let login = "registries: [{host: registry.test, url: \"\(server.url(""))\", username: a, password: b}"
                let node = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: server.url("")
                )
                .replacing("registry_mirror: {", with: "registry_mirror: {patience: 500ms, ")
                .replacing("registries: [", with: login)
                try await withDaemon(node, in: directory) { daemon in
                    // With a registry that does not even say how it wants to be logged in at, and one that says that alone.
                    for isSilent in [true, false] {
                        isSilentToAll.withLock { $0 = isSilent }
                        for path in [
                            "/v2/a/manifests/v1", "/v2/registry.test/a/manifests/v1",
                            "/v2/a/manifests/v1?ns=registry.test",
                        ] {
                            let answer = try await client.send("GET", "http://\(daemon.proxy)\(path)")
                            #expect(answer.status == 504, "\(path)")
                            let words =
                                "the registry registry.test (\(server.url(""))) has said nothing for 0.5 seconds"
                            #expect(
                                answer.text.contains("UNAVAILABLE") && answer.text.contains(words),
                                "\(answer.text)"
                            )
                            #expect(try await client.send("HEAD", "http://\(daemon.proxy)\(path)").status == 504)
                        }
                    }
                    // Each time it was asked once, and not once more to hear it in its own words.
                    #expect(server.requests.count { $0.path.hasSuffix("/v1") } <= 12)
                }
            }
        }
    }

    @Test func freshTagsAreBelievedForAsLongAsConfigured() async throws {
        let registry = Registry("{\"schemaVersion\":2}")
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                registry.answer($0)
            } body: { server in
                let manifests = "registries: [], manifests: {freshness: 1h, stale_if_error: false}"
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: server.url("")
                ).replacing("registries: []", with: manifests)
                try await withDaemon(configuration, in: directory) { daemon in
                    try await expectOneQuestion(at: server, through: daemon)
                }
            }
        }
    }

    /// A registry that says nothing, though it has taken the connection, is out of reach after a while.
    @Test func aHeadOfWhatIsHereIsAnsweredWhileTheRegistrySaysNothing() async throws {
        let blob = BlobOrigin(byteCount: 1000, seed: 311)
        let registry = Registry("{\"schemaVersion\":2}") { blob.answer($0) }
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                registry.answer($0)
            } body: { server in
                let node = Configurations.daemon(home: "\(directory)/home", supernodes: [], registry: server.url(""))
                    .replacing("registry_mirror: {", with: "registry_mirror: {manifests: {freshness: 0s}, ")
                    .replacing("registries: []", with: "registries: [], patience: 500ms")
                try await withDaemon(node, in: directory) { daemon in
                    let here = ["/v2/a/manifests/\(registry.digest)", blob.path].map { "http://\(daemon.proxy)\($0)" }
                    for url in here { #expect(try await client.send("GET", url).status == 200) }
                    registry.isSilent.withLock { $0 = true }
                    for url in here {
                        let answer = try await client.send("HEAD", url)
                        #expect(answer.status == 200, "\(url)")
                        #expect(answer.headers["Content-Length"] != nil)
                    }
                    let unknown = Digest.of("x")
                    for path in ["/v2/a/manifests/\(unknown)", "/v2/a/blobs/\(unknown)"] {
                        #expect(try await client.send("HEAD", "http://\(daemon.proxy)\(path)").status == 504, "\(path)")
                    }
                    // Nobody who heard nothing was asked again.
                    #expect(server.requests.count { $0.method == "HEAD" } == 4)
                }
            }
        }
    }

    @Test("A tag that is pushed or deleted through this node is asked for again, however long tags are believed")
    func aChangeThroughThisNodeIsSeen() async throws {
        let registry = Registry("{\"schemaVersion\":2}") { request in
            request.method == "PUT" ? .respond(201) : request.method == "DELETE" ? .respond(202) : .respond(404)
        }
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                ["PUT", "DELETE"].contains(request.method) ? registry.other(request) : registry.answer(request)
            } body: { server in
                let node = Configurations.daemon(home: "\(directory)/home", supernodes: [], registry: server.url(""))
                    .replacing("registries: []", with: "registries: [], manifests: {freshness: 1h}")
                try await withDaemon(node, in: directory) { daemon in
                    let (mirror, proxy) = (
                        (client, "http://\(daemon.proxy)"), (Client(proxy: daemon.proxy), server.url(""))
                    )
                    for ((writer, place), method, name, asksAgain) in [
                        (mirror, "PUT", "v1", true), (mirror, "DELETE", "v1", true),
                        (mirror, "DELETE", "\(registry.digest)", true), (mirror, "PUT", "v2", false),
                        (mirror, "PUT", "\(registry.digest)", false), (mirror, "DELETE", "\(Digest.of("x"))", false),
                        (proxy, "PUT", "v1", true), (proxy, "DELETE", "\(registry.digest)", true),
                        (proxy, "PUT", "v2", false),
                    ] {
                        let tag = "http://\(daemon.proxy)/v2/a/manifests/v1"
                        _ = try await client.send("GET", tag)
                        let before = server.requests.count
                        let changed = "\(place)/v2/a/manifests/\(name)"
                        let body: [UInt8]? = method == "PUT" ? registry.manifest : nil
                        let answer = try await writer.send(method, changed, body: body)
                        #expect(answer.status < 300)
                        #expect(try await client.send("GET", tag).status == 200)
                        let questions = server.requests.dropFirst(before).count {
                            $0.method == "HEAD" && $0.path.hasSuffix("/v1")
                        }
                        #expect(questions == (asksAgain ? 1 : 0), "\(method) \(name)")
                    }
                }
            }
        }
    }

    private func expectOneQuestion(at registry: ScriptedServer, through daemon: Daemon) async throws {
        let url = "http://\(daemon.proxy)/v2/a/manifests/v1"
        for _ in 0..<3 { #expect(try await client.send("GET", url).status == 200) }
        #expect(registry.requests.count { $0.path.hasSuffix("/v1") } == 1)
        // Another manifest may be what these headers select.
        #expect(try await client.send("GET", url, ["Accept": "text/plain"]).status == 200)
        #expect(registry.requests.count { $0.path.hasSuffix("/v1") } == 2)
    }

    @Test func pagesOfTagsAndReferrersLeadOnThroughTheMirror() async throws {
        let registry = Registry("{}") { request in
            guard request.path.hasPrefix("/v2/a/tags/list") || request.path.hasPrefix("/v2/a/referrers/") else {
                return .respond(404)
            }
            let headers: HeaderFields = [
                "Content-Type": "application/vnd.oci.image.index.v1+json", "OCI-Filters-Applied": "artifactType",
                "Link": "</v2/a/tags/list?n=2&last=b>; rel=\"next\"",
            ]
            return .respond(200, headers, body: Array(request.target.utf8))
        }
        try await withNodes(registry) { server, daemons in
            let proxy = "http://\(daemons[0].proxy)"
            let first = try await client.send("GET", "\(proxy)/v2/registry.test/a/tags/list?n=2")
            #expect(first.text == "/v2/a/tags/list?n=2")
            #expect(first.headers["Link"] == "</v2/registry.test/a/tags/list?n=2&last=b>; rel=\"next\"")
            let second = try await client.send("GET", "\(proxy)/v2/registry.test/a/tags/list?n=2&last=b")
            #expect(second.text == "/v2/a/tags/list?n=2&last=b")
            let named = try await client.send("GET", "\(proxy)/v2/a/tags/list?ns=registry.test&n=2")
            #expect(named.headers["Link"] == "</v2/a/tags/list?n=2&last=b&ns=registry.test>; rel=\"next\"")
            #expect(named.headers["OCI-Namespace"] == "registry.test")
            let path = "/v2/a/referrers/\(registry.digest)?artifactType=text%2Fx"
            let referrers = try await client.send("GET", proxy + path)
            #expect(referrers.text == path)
            #expect(referrers.headers["OCI-Filters-Applied"] == "artifactType")
        }
    }

    @Test func aRuntimeIsNeverToldThatItAsksTooOften() async throws {
        let asked = Mutex(0)
        let registry = Registry("{}") { request in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            switch request.path {
            case "/v2/a/tags/list" where count == 1: return .respond(429, ["Retry-After": "0"])
            case "/v2/a/tags/list": return .respond(200, body: Array("{}".utf8))
            default: return .respond(429, ["Retry-After": "3600"])
            }
        }
        try await withNodes(registry) { _, daemons in
            let proxy = "http://\(daemons[0].proxy)"
            #expect(try await client.send("GET", "\(proxy)/v2/a/tags/list").status == 200)
            let digest = Digest.of("x")
            for path in ["/v2/b/tags/list", "/v2/b/manifests/v1", "/v2/b/blobs/\(digest)"] {
                let answer = try await client.send("GET", proxy + path)
                #expect(answer.status == 503, "\(path)")
                #expect(answer.headers["Retry-After"] == "3600", "\(path)")
                #expect(answer.text.contains("UNAVAILABLE"))
            }
        }
    }

    @Test func blobsMayBeNamedBySHA512AndLieElsewhere() async throws {
        let bytes = randomBytes(700_000, seed: 310)
        let digest = Digest.of(bytes, .sha512)
        try await withScriptedServer { request in
            .content(bytes, for: request, ["X-Seen": request.headers["Authorization"] ?? "none"])
        } body: { storage in
            let place = storage.url("/elsewhere")
            let registry = Registry("{}") { request in
                guard request.path == "/v2/a/blobs/\(digest)" else { return .respond(404) }
                return .redirect(to: place, status: 307)
            }
            try await withNodes(registry) { server, daemons in
                let headers: HeaderFields = ["Authorization": "Bearer t"]
                for daemon in daemons {
                    let url = "http://\(daemon.proxy)/v2/a/blobs/\(digest)"
                    let answer = try await client.send("GET", url, headers)
                    #expect(answer.status == 200)
                    #expect(answer.body.elementsEqual(bytes))
                    let last = try await client.send("GET", url, headers.adding("Range", "bytes=-5"))
                    #expect(last.status == 206)
                    #expect(last.body.elementsEqual(bytes.suffix(5)))
                    let behind = try await client.send("GET", url, headers.adding("Range", "bytes=700000-"))
                    #expect(behind.status == 416)
                }
                #expect(storage.requests.allSatisfy { $0.headers["Authorization"] == nil })
            }
        }
    }

    @Test("A body that is broken is the client's fault, not the registry's", arguments: BrokenBody.all)
    func brokenBody(body: BrokenBody) async throws {
        let registry = Registry("{}")
        try await withNodes(registry) { _, daemons in
            for (method, path, code) in [
                ("PATCH", "/v2/a/blobs/uploads/1", "BLOB_UPLOAD_INVALID"),
                ("PUT", "/v2/a/manifests/v2", "MANIFEST_INVALID"),
            ] {
                let answer = try await body.send(to: path, method, through: daemons[0].proxy)
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
                #expect(answer.contains(code) && answer.contains("the request's body is broken, or "), "\(answer)")
                let line = try await daemons[0].process.line(containing: "method=\(method)")
                #expect(line.contains("status=400"), "\(line)")
            }
        }
    }
}

extension HeaderFields {
    fileprivate func adding(_ name: String, _ value: String) -> HeaderFields {
        var fields = self
        fields[name] = value
        return fields
    }
}
