import Content
import Foundation
import TestSupport
import Testing

/// A store's directory that somebody takes away while dfdaemon or a supernode uses it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct StoreTroubleTests {
    private let client = Client()
    private let known = BlobOrigin(byteCount: 300_000, seed: 93)
    private let new = BlobOrigin(byteCount: 400_000, seed: 94)

    @Test("A node whose store was removed passes everything on, is not ready and says so once")
    func removed() async throws {
        try await withNode { daemon, home in
            let ready = try await client.send("GET", "http://\(daemon.health)/readyz")
            #expect(ready.status == 200)
            #expect(String(decoding: ready.body, as: UTF8.self).contains(#""name":"store","ready":true"#))
            try FileManager.default.removeItem(atPath: home)
            for blob in [new, known, new] { try await pull(blob, from: daemon) }
            try await expectTrouble("removed or replaced", at: daemon)
            let lines = daemon.process.lastLines(200).split(separator: "\n")
            #expect(lines.count { $0.contains("nothing new can be kept") } == 1)
        }
    }

    @Test("A store that can be written again is used again")
    func away() async throws {
        try await withNode { daemon, home in
            let (place, aside) = ("\(home)/incoming", "\(home)/aside")
            try FileManager.default.moveItem(atPath: place, toPath: aside)
            try await pull(new, from: daemon)
            try await expectTrouble("incoming can not be written", at: daemon)
            try FileManager.default.moveItem(atPath: aside, toPath: place)
            try await pull(new, from: daemon)
            _ = try await daemon.process.line(containing: "content is kept again")
            let ready = try await client.send("GET", "http://\(daemon.health)/readyz")
            #expect(ready.status == 200)
            #expect(try await pull(new, from: daemon) == "darter; hit")
        }
    }

    @discardableResult
    private func pull(_ blob: BlobOrigin, from daemon: Daemon) async throws -> String? {
        let answer = try await client.send("GET", "http://\(daemon.proxy)\(blob.path)")
        #expect(answer.status == 200)
        #expect(answer.body.elementsEqual(blob.bytes))
        return answer.headers["Cache-Status"]
    }

    private func expectTrouble(_ words: String, at daemon: Daemon) async throws {
        let ready = try await client.send("GET", "http://\(daemon.health)/readyz")
        let body = String(decoding: ready.body, as: UTF8.self)
        #expect(ready.status == 503)
        #expect(body.contains(#""name":"store","ready":false"#) && body.contains(words), "\(body)")
        let line = try await daemon.process.line(containing: "nothing new can be kept")
        #expect(line.contains("warning") && line.contains(words), "\(line)")
    }

    /// A node that has the first of the blobs.
    private func withNode(_ body: (Daemon, _ home: String) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                request.path == known.path ? known.answer(request) : new.answer(request)
            } body: { registry in
                let home = "\(directory)/home"
                let configuration = Configurations.daemon(home: home, supernodes: [], registry: registry.url(""))
                try await withDaemon(configuration, in: directory) { daemon in
                    try await pull(known, from: daemon)
                    try await body(daemon, home)
                }
            }
        }
    }
}
