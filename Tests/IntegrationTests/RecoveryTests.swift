import Content
import Foundation
import TestSupport
import Testing

/// Processes die in the middle of their work, and it is done all the same.
@Suite(.serialized) struct RecoveryTests {
    private static let pieceSize = 256 << 10
    private static let half = 8 * pieceSize
    private let client = Client()

    /// A blob of 16 pieces whose second half is held until released.
    private func heldBlob(_ seed: UInt64) -> BlobOrigin {
        BlobOrigin(byteCount: 16 * Self.pieceSize, seed: seed, held: Self.half + 100)
    }

    @Test func aKilledDaemonGoesOnWithThePiecesItHad() async throws {
        let origin = heldBlob(41)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                let home = "\(directory)/s"
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let configuration = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode.api],
                        registry: registry.url("")
                    )
                    try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                        let arrived = TestEvent()
                        async let pull = client.receive(
                            "http://\(daemon.proxy)\(origin.path)",
                            [:],
                            reaching: Self.half,
                            arrived
                        )
                        await arrived.wait()
                        await daemon.process.kill()
                        let (answer, isWhole) = try await pull
                        #expect(!isWhole)
                        #expect(answer.body.elementsEqual(origin.bytes.prefix(answer.body.count)))
                    }
                    try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                        origin.release.fire()
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
                        #expect(answer.status == 200)
                        #expect(answer.body.elementsEqual(origin.bytes))
                        // The index is written behind the pieces: the last one or two may have to come again.
                        let received = try await daemon.received(from: "supernode")
                        #expect(received <= origin.bytes.count - Self.half + 2 * Self.pieceSize)
                        #expect(try await daemon.received(from: "origin") == 0)
                    }
                }
                // The supernode was never disturbed: the blob left the registry once.
                #expect(registry.requests.count { $0.method == "GET" } == 1)
            }
        }
    }

    @Test func withTheSupernodeKilledANodeFinishesAtTheOrigin() async throws {
        let origin = heldBlob(42)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                try await withCluster(of: 1, registry: registry.url(""), in: directory) { supernode, daemons in
                    let arrived = TestEvent()
                    async let pull = client.receive(
                        "http://\(daemons[0].proxy)\(origin.path)",
                        [:],
                        reaching: Self.half,
                        arrived
                    )
                    await arrived.wait()
                    await supernode.process.kill()
                    origin.release.fire()
                    let (answer, isWhole) = try await pull
                    #expect(isWhole)
                    #expect(answer.body.elementsEqual(origin.bytes))
                    // What had been committed was not asked for again.
                    #expect(try await daemons[0].received(from: "origin") == origin.bytes.count - Self.half)
                    // And without a supernode everything else works, too.
                    let again = try await client.send("GET", "http://\(daemons[0].proxy)\(origin.path)")
                    #expect(again.body.elementsEqual(origin.bytes))
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func aRestartedSupernodeServesFromItsStore(killed: Bool) async throws {
        let origin = BlobOrigin(byteCount: 9 * Self.pieceSize + 5, seed: 43)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                let port = FreePort.next()
                let home = "\(directory)/s"
                let configuration = Configurations.supernode(home: "\(home)/home", port: port)
                func node(_ name: String) -> String {
                    Configurations.daemon(
                        home: "\(directory)/\(name)/home",
                        supernodes: ["127.0.0.1:\(port)"],
                        registry: registry.url("")
                    )
                }
                try await withSupernode(configuration, in: home) { supernode in
                    try await withDaemon(node("first"), in: "\(directory)/first") { daemon in
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
                        #expect(answer.body.elementsEqual(origin.bytes))
                    }
                    let end = killed ? await supernode.process.kill() : await supernode.process.stop()
                    #expect(killed || end.status.isSuccess)
                }
                try await withSupernode(configuration, in: home) { _ in
                    try await withDaemon(node("second"), in: "\(directory)/second") { daemon in
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
                        #expect(answer.body.elementsEqual(origin.bytes))
                        #expect(try await daemon.received(from: "supernode") == origin.bytes.count)
                    }
                }
                #expect(registry.requests.count { $0.method == "GET" } == 1)
            }
        }
    }

    @Test func aNodeFindsARestartedSupernodeAgainAndOffersItWhatItHas() async throws {
        let first = BlobOrigin(byteCount: 4 * Self.pieceSize, seed: 44)
        let second = BlobOrigin(byteCount: 4 * Self.pieceSize, seed: 45)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                request.path == first.path ? first.answer(request) : second.answer(request)
            } body: { registry in
                let port = FreePort.next()
                let home = "\(directory)/s"
                let configuration = Configurations.supernode(home: "\(home)/home", port: port)
                let node = Configurations.daemon(
                    home: "\(directory)/d/home",
                    supernodes: ["127.0.0.1:\(port)"],
                    registry: registry.url("")
                )
                try await withDaemon(node, in: "\(directory)/d") { daemon in
                    try await withSupernode(configuration, in: home) { supernode in
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(first.path)")
                        #expect(answer.body.elementsEqual(first.bytes))
                        await supernode.process.kill()
                    }
                    try await withSupernode(configuration, in: home) { supernode in
                        // It registers by itself, and joins again what it holds.
                        try await supernode.process.line(containing: "peer registered")
                        let answer = try await client.send("GET", "http://\(daemon.proxy)\(second.path)")
                        #expect(answer.body.elementsEqual(second.bytes))
                        #expect(try await daemon.received(from: "origin") == 0)
                    }
                }
            }
        }
    }

    @Test func aDeadSupernodeOfTwoIsPassedOver() async throws {
        try await withTemporaryDirectory { directory in
            let blobs = (0..<4).map { BlobOrigin(byteCount: 2 * Self.pieceSize, seed: 46 + $0) }
            try await withScriptedServer { request in
                (blobs.first { $0.path == request.path } ?? blobs[0]).answer(request)
            } body: { registry in
                let home = "\(directory)/s"
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let node = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: ["127.0.0.1:\(FreePort.next())=1000", "\(supernode.api)=1"],
                        registry: registry.url("")
                    )
                    try await withDaemon(node, in: "\(directory)/d") { daemon in
                        for blob in blobs {
                            let answer = try await client.send("GET", "http://\(daemon.proxy)\(blob.path)")
                            #expect(answer.body.elementsEqual(blob.bytes))
                        }
                        #expect(try await daemon.received(from: "origin") == 0)
                        #expect(try await daemon.received(from: "supernode") == 4 * 2 * Int64(Self.pieceSize))
                    }
                }
            }
        }
    }

    @Test func aRunningPullMovesToTheNextSupernodeAndKeepsItsPieces() async throws {
        let origin = heldBlob(51)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                let (one, other) = ("\(directory)/s1", "\(directory)/s2")
                try await withSupernode(Configurations.supernode(home: "\(one)/home"), in: one) { first in
                    try await withSupernode(Configurations.supernode(home: "\(other)/home"), in: other) { second in
                        let node = Configurations.daemon(
                            home: "\(directory)/d/home",
                            supernodes: [first.api, second.api],
                            registry: registry.url("")
                        )
                        try await withDaemon(node, in: "\(directory)/d") { daemon in
                            let arrived = TestEvent()
                            async let pull = client.receive(
                                "http://\(daemon.proxy)\(origin.path)",
                                [:],
                                reaching: Self.half,
                                arrived
                            )
                            await arrived.wait()
                            // Which one the task belongs to is the hash's choice.
                            let isFirst = try await first.receivedFromOrigin() > 0
                            let (dying, living) = isFirst ? (first, second) : (second, first)
                            await dying.process.kill()
                            origin.release.fire()
                            let (answer, isWhole) = try await pull
                            #expect(isWhole)
                            #expect(answer.body.elementsEqual(origin.bytes))
                            #expect(try await living.receivedFromOrigin() == origin.bytes.count)
                            #expect(try await daemon.received(from: "origin") == 0)
                            #expect(try await daemon.received(from: "supernode") == origin.bytes.count)
                        }
                    }
                }
            }
        }
    }
}
