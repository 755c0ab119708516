import Foundation
import TestSupport
import Testing

/// Real clients pull from a real registry through three nodes and one supernode.
@Suite(.serialized) struct ImagePullTests {
    @Test(arguments: RegistryMode.allCases)
    func skopeoPullsThroughThreeNodesAndBlobsLeaveTheRegistryOnce(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [6, 3, 0.2], seed: 11)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                // A narrow way out of the supernode leaves something to do for the peers.
                let limits = "limits: {upload: 8MB/s}\npeers: {seed_slots: 2}"
                try await withCluster(of: 3, registry: registry.url, in: directory, supernode: limits) { _, daemons in
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (number, daemon) in daemons.enumerated() {
                            group.addTask {
                                let target = "\(directory)/pulled\(number)"
                                try await skopeoCopy(
                                    from: "docker://\(daemon.proxy)/library/a:v1",
                                    to: "dir:\(target)",
                                    sourceCredentials: registry.credentials
                                )
                                try image.verifyPulled(into: target)
                            }
                        }
                        try await group.waitForAll()
                    }
                    let sent = try await registry.blobBytes(of: image)
                    #expect(sent.keys.count == image.blobs.count)
                    for (blob, bytes) in sent { #expect(bytes == (try image.size(of: blob)), "\(blob)") }
                    var fromPeers: Int64 = 0
                    for daemon in daemons {
                        fromPeers += try await daemon.received(from: "peer")
                        #expect(try await daemon.received(from: "origin") == 0)
                    }
                    #expect(fromPeers > 0)
                }
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "containerd needs root"), arguments: RegistryMode.allCases)
    func containerdPullsThroughItsMirrorConfiguration(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [2, 0.2], seed: 12)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                // containerd says which registry it means with ns=; the one without a name is another one.
                let registries = "{host: registry.test, url: \"\(registry.url)\"}"
                try await withCluster(
                    of: 2,
                    registry: "http://127.0.0.1:1",
                    registries: registries,
                    in: directory
                ) { _, daemons in
                    try await withContainerd { runtime in
                        for (number, daemon) in daemons.enumerated() {
                            try runtime.mirror(
                                host: "registry.test",
                                server: "http://127.0.0.1:1",
                                through: ["http://\(daemon.proxy)"]
                            )
                            let namespace = "node\(number)"
                            let digest = try await runtime.pull(
                                "registry.test/library/a:v1",
                                namespace: namespace,
                                credentials: registry.credentials
                            )
                            #expect(digest == image.manifest)
                            let content = try await runtime.content(namespace: namespace)
                            #expect(content == image.blobs.union([image.manifest]))
                        }
                    }
                    for (blob, bytes) in try await registry.blobBytes(of: image) {
                        #expect(bytes == (try image.size(of: blob)), "\(blob)")
                    }
                }
            }
        }
    }
}
