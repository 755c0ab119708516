import Content
import Foundation
import TestSupport
import Testing

/// A supernode that accepts connections and never answers.
@Suite(.serialized) struct FrozenSupernodeTests {
    private static let half = 8 * 256 << 10
    private let client = Client()

    /// Stops a supernode as a whole, and lets it die at the end all the same.
    private func withFrozen(_ supernode: Supernode, _ body: () async throws -> Void) async throws {
        supernode.process.signal(SIGSTOP)
        do {
            try await body()
        } catch {
            await supernode.process.kill()
            throw error
        }
        await supernode.process.kill()
    }

    @Test func downloadsGoToTheNextSupernode() async throws {
        try await withTemporaryDirectory { directory in
            let origin = BlobOrigin(byteCount: 1 << 20, seed: 71)
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                let (one, other) = ("\(directory)/s1", "\(directory)/s2")
                try await withSupernode(Configurations.supernode(home: "\(one)/home"), in: one) { frozen in
                    try await withSupernode(Configurations.supernode(home: "\(other)/home"), in: other) { next in
                        let node = Configurations.daemon(
                            home: "\(directory)/d/home",
                            supernodes: ["\(frozen.api)=1000", "\(next.api)=1"],
                            registry: registry.url("")
                        )
                        try await withDaemon(node, in: "\(directory)/d") { daemon in
                            try await withFrozen(frozen) {
                                let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
                                #expect(answer.body.elementsEqual(origin.bytes))
                                #expect(try await daemon.received(from: "supernode") == origin.bytes.count)
                                #expect(try await next.receivedFromOrigin() == origin.bytes.count)
                            }
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func withoutAnotherTheyGoToTheOrigin(inTheMiddle: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let origin = BlobOrigin(byteCount: 2 * Self.half, seed: 72, held: Self.half + 100)
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                try await withCluster(of: 1, registry: registry.url(""), in: directory) { supernode, daemons in
                    let url = "http://\(daemons[0].proxy)\(origin.path)"
                    guard inTheMiddle else {
                        origin.release.fire()
                        return try await withFrozen(supernode) {
                            let answer = try await client.send("GET", url)
                            #expect(answer.body.elementsEqual(origin.bytes))
                            #expect(try await daemons[0].received(from: "origin") == origin.bytes.count)
                        }
                    }
                    let arrived = TestEvent()
                    let pull = Task { try await client.receive(url, [:], reaching: Self.half, arrived) }
                    await arrived.wait()
                    try await withFrozen(supernode) {
                        origin.release.fire()
                        let (answer, isWhole) = try await pull.value
                        #expect(isWhole)
                        #expect(answer.body.elementsEqual(origin.bytes))
                        #expect(try await daemons[0].received(from: "origin") == origin.bytes.count - Self.half)
                    }
                }
            }
        }
    }

    @Test func oneThatAnswersAgainIsUsedAgain() async throws {
        let origins = (76...77).map { BlobOrigin(byteCount: 1000, seed: UInt64($0)) }
        try await withNode(retry: "10ms", origins) { supernode, daemon in
            supernode.process.signal(SIGSTOP)
            try await pull(origins[0], through: daemon)
            supernode.process.signal(SIGCONT)
            _ = try await daemon.process.line(containing: "supernode is back")
            try await pull(origins[1], through: daemon)
            #expect(try await daemon.received(from: "supernode") == origins[1].bytes.count)
        }
    }

    @Test("What a silent supernode costs in time it costs once, not for each download", arguments: ["1h", "1ms"])
    func once(retry: String) async throws {
        let origins = (73...75).map { BlobOrigin(byteCount: 1000, seed: UInt64($0)) }
        try await withNode(retry: retry, origins) { supernode, daemon in
            try await withFrozen(supernode) {
                for origin in origins { try await pull(origin, through: daemon) }
            }
            let log = await daemon.process.stopForErrors().split(separator: "\n")
            #expect(log.count { $0.contains(" notice ") && $0.contains("supernode does not answer") } == 1)
            #expect(log.count { $0.contains("going to the origin") } == 3)
        }
    }

    private func pull(_ origin: BlobOrigin, through daemon: Daemon) async throws {
        let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
        #expect(answer.body.elementsEqual(origin.bytes))
    }

    /// A node with one supernode before a registry that has some blobs.
    private func withNode(
        retry: String,
        _ origins: [BlobOrigin],
        _ body: (Supernode, Daemon) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                origins.first { $0.path == request.path }?.answer(request) ?? .respond(404)
            } body: { registry in
                let home = "\(directory)/s"
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let node = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode.api],
                        registry: registry.url(""),
                        peer: ", retry_supernode: \(retry)"
                    )
                    try await withDaemon(node, in: "\(directory)/d") { try await body(supernode, $0) }
                }
            }
        }
    }
}
