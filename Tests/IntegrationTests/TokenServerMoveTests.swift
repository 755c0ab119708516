import Content
import Synchronization
import TestSupport
import Testing

/// A registry whose token server moves, or goes away.
@Suite(.serialized, .timeLimit(.minutes(2))) struct TokenServerMoveTests {
    private let client = Client()

    /// Public repositories `open/...` beside private ones, and where tokens for these are had.
    private final class Registry: Sendable {
        let realm = Mutex("")
        let manifest = Array("{\"schemaVersion\":2}".utf8)
        let blob = randomBytes(300_000, seed: 521)

        func answer(_ request: ScriptedRequest) -> Script {
            let isOpen = request.path.hasPrefix("/v2/open/")
            guard isOpen || request.headers["Authorization"] == "Bearer good" else {
                return .challenge("Bearer realm=\"\(realm.withLock { $0 })\",service=\"r\"")
            }
            if request.path.contains("/blobs/") { return .content(blob, for: request) }
            let headers: HeaderFields = [
                "Content-Type": "application/vnd.oci.image.manifest.v1+json",
                "Docker-Content-Digest": "\(Digest.of(manifest))",
            ]
            return .respond(200, headers, body: manifest)
        }
    }

    /// How a token server is gone.
    enum Absence: Sendable, CaseIterable {
        case broken
        case elsewhere
    }

    /// A registry with a token server that goes away when told so, another one, and a node with a supernode.
    private func withNode(
        _ registry: Registry,
        login: String,
        absence: Absence,
        _ body: (_ daemon: Daemon, _ leave: () -> Void, _ other: String) async throws -> Void
    ) async throws {
        let isGone = Mutex(false)
        let token = Array(#"{"token":"good"}"#.utf8)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { _ in
                guard isGone.withLock({ $0 }) else { return .respond(200, body: token) }
                return absence == .broken ? .raw([UInt8]()).reset() : .respond(404)
            } body: { old in
                try await withScriptedServer { _ in
                    .respond(200, body: token)
                } body: { new in
                    registry.realm.withLock { $0 = old.url("/token") }
                    try await withScriptedServer {
                        registry.answer($0)
                    } body: { server in
                        let named = "{host: registry.test, url: \"\(server.url(""))\"\(login)}"
                        try await withCluster(of: 1, registry: server.url(""), registries: named, in: directory) {
                            try await body($1[0], { isGone.withLock { $0 = true } }, new.url("/token"))
                        }
                    }
                }
            }
        }
    }

    @Test("What the registry says now counts", arguments: Absence.allCases, ["", ", username: u, password: p"])
    func moves(absence: Absence, login: String) async throws {
        let registry = Registry()
        try await withNode(registry, login: login, absence: absence) { daemon, leave, other in
            let names = "http://\(daemon.proxy)/v2/registry.test"
            for path in ["a/manifests/v1", "a/tags/list"] {
                #expect(try await client.send("GET", "\(names)/\(path)").status == 200)
            }
            leave()
            registry.realm.withLock { $0 = other }
            // For each of these another token is needed.
            for path in ["b/manifests/v1", "c/tags/list", "d/manifests/v1"] {
                #expect(try await client.send("GET", "\(names)/\(path)").status == 200, "\(path)")
            }
            let answer = try await client.send("GET", "\(names)/e/blobs/\(Digest.of(registry.blob))")
            #expect(answer.body.elementsEqual(registry.blob))
            #expect(try await daemon.received(from: "supernode") >= registry.blob.count)
        }
    }

    @Test("What needs no token is had while there is none", arguments: ["", ", username: u, password: p"])
    func goes(login: String) async throws {
        let registry = Registry()
        try await withNode(registry, login: login, absence: .broken) { daemon, leave, _ in
            let names = "http://\(daemon.proxy)/v2/registry.test"
            for path in ["a/manifests/v1", "a/tags/list"] {
                #expect(try await client.send("GET", "\(names)/\(path)").status == 200)
            }
            leave()
            for path in ["open/b/manifests/v1", "open/c/tags/list", "open/b/manifests/v1"] {
                let answer = try await client.send("GET", "\(names)/\(path)")
                #expect(answer.status == 200, "\(path)")
                #expect(answer.headers["Warning"] == nil)
            }
            let blob = try await client.send("GET", "\(names)/open/d/blobs/\(Digest.of(registry.blob))")
            #expect(blob.body.elementsEqual(registry.blob))
            #expect(try await daemon.received(from: "supernode") >= registry.blob.count)
            // What does need one says what is missing.
            let refused = try await client.send("GET", "\(names)/e/tags/list")
            #expect(refused.status == 502)
            #expect(refused.text.contains("token server"), "\(refused.text)")
        }
    }
}
