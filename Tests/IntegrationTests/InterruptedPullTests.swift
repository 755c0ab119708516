import Content
import Foundation
import TestSupport
import Testing

/// Processes die while real clients pull an image.
@Suite(.serialized) struct InterruptedPullTests {
    /// A supernode before a registry whose layer is held in the middle, and a client.
    private func withHeldImage(
        _ client: ImageClient,
        _ body: (
            _ origin: ImageOrigin, _ pull: @escaping @Sendable (Daemon) async throws -> Void, _ supernode: String,
            _ node: (String) -> String, _ directory: String
        ) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let origin = try ImageOrigin(try await makeImage(in: "\(directory)/image", layers: [4], seed: 13))
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                let port = FreePort.next()
                func node(_ name: String) -> String {
                    Configurations.daemon(
                        home: "\(directory)/\(name)/home",
                        supernodes: ["127.0.0.1:\(port)"],
                        registry: registry.url(""),
                        registries: ImageClient.registries(registry.url(""))
                    )
                }
                let supernode = Configurations.supernode(home: "\(directory)/s/home", port: port)
                try await client.use(for: origin.image, in: directory) { pull in
                    try await body(origin, pull, supernode, node, directory)
                }
            }
        }
    }

    /// Begins a pull through a daemon, and returns when the daemon has all of the layer that comes before it is held.
    private func begin(
        _ pull: @escaping @Sendable (Daemon) async throws -> Void,
        through daemon: Daemon,
        _ origin: ImageOrigin
    ) async throws -> Task<Void, any Error> {
        let over = TestEvent()
        let pulling = Task {
            defer { over.fire() }
            try await pull(daemon)
        }
        // The image's other blob is smaller than a piece.
        while try await daemon.received(from: "supernode") < origin.half {
            guard over.hasFired else { continue }
            try await pulling.value
            throw RigError("the pull has ended already")
        }
        return pulling
    }

    @Test(arguments: ImageClient.prompt)
    func afterADaemonsDeathTheSamePullGoesOn(client: ImageClient) async throws {
        try await withHeldImage(client) { origin, pull, supernode, node, directory in
            try await withSupernode(supernode, in: "\(directory)/s") { _ in
                try await withDaemon(node("d"), in: "\(directory)/d") { daemon in
                    let broken = try await begin(pull, through: daemon, origin)
                    await daemon.process.kill()
                    await #expect(throws: (any Error).self) { try await broken.value }
                }
                origin.release.fire()
                try await withDaemon(node("d"), in: "\(directory)/d") { daemon in
                    try await pull(daemon)
                    // The index is written behind the pieces: the last one or two may have to come again.
                    let rest = origin.imageBytes - origin.half
                    #expect(try await daemon.received(from: "supernode") <= rest + 2 * ImageOrigin.piece)
                    #expect(try await daemon.received(from: "origin") == 0)
                }
            }
            for blob in origin.image.blobs { #expect(origin.offsets(of: blob) == [0], "\(blob)") }
        }
    }

    @Test(arguments: ImageClient.prompt)
    func aPullOutlivesItsSupernodeWhichGoesOnWhereItWas(client: ImageClient) async throws {
        try await withHeldImage(client) { origin, pull, supernode, node, directory in
            try await withDaemon(node("first"), in: "\(directory)/first") { first in
                try await withSupernode(supernode, in: "\(directory)/s") { supernode in
                    let pulled = try await begin(pull, through: first, origin)
                    await supernode.process.kill()
                    origin.release.fire()
                    try await pulled.value
                }
                // The node itself fetched only what it had not got.
                #expect(try await first.received(from: "origin") <= origin.imageBytes - origin.half)
                #expect(origin.offsets(of: origin.layer) == [0, origin.half])
                try await withSupernode(supernode, in: "\(directory)/s") { supernode in
                    try await withDaemon(node("second"), in: "\(directory)/second") { second in
                        try await pull(second)
                        #expect(try await second.received(from: "origin") == 0)
                    }
                    let rest = origin.imageBytes - origin.half
                    #expect(try await supernode.receivedFromOrigin() <= rest + 2 * ImageOrigin.piece)
                }
            }
            let resumed = try #require(origin.offsets(of: origin.layer).last)
            #expect(resumed >= origin.half - 2 * ImageOrigin.piece)
        }
    }
    @Test(.enabled(if: geteuid() == 0, "containerd needs root"), arguments: [SIGKILL, SIGTERM])
    func withItsDaemonGoneContainerdGoesOnAtTheRegistry(signal: Int32) async throws {
        try await withTemporaryDirectory { directory in
            let origin = try ImageOrigin(try await makeImage(in: "\(directory)/image", layers: [4], seed: 14))
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                try await withCluster(
                    of: 1,
                    registry: "http://127.0.0.1:1",
                    registries: ImageClient.registries(registry.url("")),
                    in: directory
                ) { _, daemons in
                    try await withContainerd { runtime in
                        try runtime.mirror(
                            host: "registry.test",
                            server: registry.url(""),
                            through: ["http://\(daemons[0].proxy)"]
                        )
                        let pulled = try await begin(
                            { _ in
                                let digest = try await runtime.pull("registry.test/library/a:v1")
                                guard digest == origin.image.manifest else { throw RigError("another image") }
                            },
                            through: daemons[0],
                            origin
                        )
                        daemons[0].process.signal(signal)
                        origin.release.fire()
                        try await pulled.value
                        #expect(try await runtime.content() == origin.image.blobs.union([origin.image.manifest]))
                    }
                }
            }
        }
    }
}
