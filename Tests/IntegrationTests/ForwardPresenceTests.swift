import Content
import Synchronization
import TestSupport
import Testing

/// What a push through the HTTP proxy asks first.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ForwardPresenceTests {
    @Test("A HEAD of a blob is the registry's own word, and the store's only while nothing is heard of it")
    func head() async throws {
        let blob = BlobOrigin(byteCount: 300_000, seed: 531)
        let state = Mutex("up")
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                switch state.withLock({ $0 }) {
                case "down": .respond(503)
                case "broken": .raw([UInt8]()).reset()
                case "silent": .wait(TestEvent())
                default: blob.answer(request)
                }
            } body: { registry in
                let rules = "proxies: [{regx: /blobs/}]"
                let node = Configurations.daemon(home: "\(directory)/home", supernodes: [], rules)
                    .replacing("registry_mirror: {", with: "registry_mirror: {patience: 2s, ")
                try await withDaemon(node, in: directory) { daemon in
                    let client = Client(proxy: daemon.proxy)
                    let url = registry.url(blob.path)
                    #expect(try await client.send("GET", url).body.elementsEqual(blob.bytes))
                    let elsewhere = registry.url("/v2/library/b/blobs/\(blob.digest)")
                    #expect(try await client.send("HEAD", elsewhere).status == 404)
                    let here = try await client.send("HEAD", url)
                    #expect(here.status == 200)
                    #expect(here.headers["Docker-Content-Digest"] == "\(blob.digest)")
                    #expect(registry.requests.contains { $0.method == "HEAD" && $0.path == blob.path })
                    let unknown = registry.url("/v2/library/a/blobs/\(Digest.of("x"))")
                    for (trouble, status) in [("down", 503), ("broken", 502), ("silent", 504)] {
                        state.withLock { $0 = trouble }
                        let answer = try await client.send("HEAD", url)
                        #expect(answer.status == 200, "\(trouble)")
                        #expect(answer.headers["Content-Length"] == "\(blob.bytes.count)")
                        #expect(try await client.send("HEAD", unknown).status == status, "\(trouble)")
                    }
                }
            }
        }
    }
}
