import Content
import Foundation
import TestSupport
import Testing

/// Real clients pull from a registry that does what registries do on bad days.
@Suite struct FaultyRegistryTests {
    @Test("Every client gets its image, whatever the registry does", arguments: ImageClient.usable)
    func pull(client: ImageClient) async throws {
        try await withFaultyRegistry(seed: 500) { registry, daemon, directory in
            try await client.use(in: directory) { pull in
                for fault in RegistryFault.allCases {
                    let image = try #require(registry.images[fault])
                    do {
                        switch fault {
                        case .wrong:
                            // Never wrong bytes: at worst nothing, and the next pull is good.
                            try? await pull(image, "library/wrong", daemon)
                            try await pull(image, "library/wrong", daemon)
                        case .slow: try await pullSlowly(image, registry, daemon, pull)
                        default: try await pull(image, "library/\(fault)", daemon)
                        }
                    } catch {
                        Issue.record("\(fault): \(error)")
                    }
                }
            }
            #expect(registry.happened == Set(RegistryFault.allCases))
            // The one at the start, and one for the token that was good no longer.
            #expect(registry.granted >= 2)
        }
    }

    /// The second half is let out when the node has the first.
    private func pullSlowly(
        _ image: TestImage,
        _ registry: FaultyRegistry,
        _ daemon: Daemon,
        _ pull: @escaping ImageClient.Pull
    ) async throws {
        let before = try await daemon.received(from: "supernode")
        let over = TestEvent()
        async let pulled: Void = {
            defer { over.fire() }
            try await pull(image, "library/slow", daemon)
        }()
        let half = Int64(FaultyRegistry.half(of: image))
        while try await daemon.received(from: "supernode") - before < half, !over.hasFired {}
        #expect(!over.hasFired)
        registry.release.fire()
        try await pulled
    }

    @Test("skopeo lists tags page by page")
    func pages() async throws {
        let tags = (0..<7).map { "v\($0)" }
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                guard request.path == "/v2/library/a/tags/list" else { return .respond(404) }
                let query = URLComponents(string: request.target)?.queryItems ?? []
                let last = query.first { $0.name == "last" }?.value
                let start = last.flatMap { tags.firstIndex(of: $0) }.map { $0 + 1 } ?? 0
                let page = Array(tags.dropFirst(start).prefix(3))
                let body = #"{"name": "library/a", "tags": ["\#(page.joined(separator: "\", \""))"]}"#
                var headers: HeaderFields = ["Content-Type": "application/json"]
                if start + 3 < tags.count {
                    headers["Link"] = "</v2/library/a/tags/list?n=3&last=\(page[2])>; rel=\"next\""
                }
                return .respond(200, headers, body: Array(body.utf8))
            } body: { server in
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registries: ImageClient.registries(server.url(""))
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    let name = "docker://\(daemon.proxy)/registry.test/library/a"
                    let printed = try await runSuccessfully(.init("skopeo", ["list-tags", "--tls-verify=false", name]))
                    for tag in tags { #expect(printed.contains("\"\(tag)\""), "\(tag)") }
                    #expect(server.requests.count { $0.path == "/v2/library/a/tags/list" } == 3)
                }
            }
        }
    }

    /// A node with a supernode that may log in at the registry, by the name `registry.test`.
    private func withFaultyRegistry(
        seed: Int,
        _ body: (FaultyRegistry, Daemon, _ directory: String) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let images = try await FaultyRegistry.makeImages(in: directory, seed: seed)
            try await withScriptedServer {
                FaultyRegistry.store(images, $0)
            } body: { storage in
                let registry = FaultyRegistry(images, storage: storage)
                try await withScriptedServer {
                    registry.answer($0)
                } body: { server in
                    let named = "{host: registry.test, url: \"\(server.url(""))\", username: u, password: p}"
                    try await withCluster(of: 1, registry: "http://127.0.0.1:1", registries: named, in: directory) {
                        try await body(registry, $1[0], directory)
                    }
                }
            }
        }
    }
}
