import Content
import Foundation
import TestSupport
import Testing

/// Runtimes that pull private images under the node's own name: who has to log in, and who is refused.
@Suite(.serialized, .enabled(if: geteuid() == 0, "the runtimes need root")) struct RuntimeLoginTests {
    /// A node that knows a registry as its remote, as `open.test` without and as `closed.test` with a login.
    private func withPrivateImage(
        _ mode: RegistryMode,
        tls: Bool = false,
        seed: Int,
        _ body: (_ daemon: Daemon, _ image: TestImage, _ registry: RegistryServer) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.6, 0.1], seed: seed)
            try await withRegistry(mode, tls: tls) { registry in
                try await registry.push(image, as: "library/a:v1")
                let authority = registry.certificateAuthority.map { ", ca_file: \"\($0)\"" } ?? ""
                let login = mode == .none ? "" : ", username: u, password: p"
                // The remote has the settings of the first of its names.
                let names = [(registry.authority, ""), ("closed.test", login), ("open.test", "")].map {
                    "{host: \"\($0)\", url: \"\(registry.url)\"\(authority)\($1)}"
                }
                let backend = "backends: [{plugin: registry, hosts: [\"\(registry.authority)\"]\(authority)}]"
                try await withCluster(
                    of: 1,
                    registry: registry.url,
                    registries: names.joined(separator: ", "),
                    in: directory,
                    supernode: backend
                ) { _, daemons in try await body(daemons[0], image, registry) }
            }
        }
    }

    @Test(
        "containerd, logged in by the node or by itself",
        arguments: [
            (RegistryMode.none, true), (.basic, true), (.token, false),
        ]
    )
    func containerd(mode: RegistryMode, tls: Bool) async throws {
        try await withPrivateImage(mode, tls: tls, seed: 401) { daemon, image, registry in
            try await withContainerd { runtime in
                for (name, credentials) in [("closed.test", nil), ("open.test", registry.credentials)] {
                    let digest = try await runtime.pull(
                        "\(daemon.proxy)/\(name)/library/a:v1",
                        namespace: name,
                        credentials: credentials
                    )
                    #expect(digest == image.manifest)
                    #expect(try await runtime.content(namespace: name) == image.blobs.union([image.manifest]))
                }
                guard mode != .none else { return }
                // All of it is on the node now.
                for credentials in [nil, "u:wrong"] {
                    await #expect(throws: RigError.self) {
                        try await runtime.pull(
                            "\(daemon.proxy)/open.test/library/a:v1",
                            namespace: "nobody",
                            credentials: credentials
                        )
                    }
                }
                #expect(try await runtime.content(namespace: "nobody").isEmpty)
            }
            #expect(try await daemon.received(from: "supernode") >= image.layerBytes)
            #expect(try await daemon.received(from: "origin") == 0)
        }
    }

    @Test(
        "podman, logged in by the node, or by itself as the remote wants it",
        arguments: [RegistryMode.basic, .token]
    )
    func podman(mode: RegistryMode) async throws {
        try await withPrivateImage(mode, seed: 402) { daemon, image, _ in
            let remote = "\(daemon.proxy)/library/a:v1"
            let (open, closed) = ("\(daemon.proxy)/open.test/library/a:v1", "\(daemon.proxy)/closed.test/library/a:v1")
            try await withPodman { podman async throws in
                #expect(try await podman.pull(closed, plainHTTP: true) == image.manifest)
                for name in [open, remote] {
                    await #expect(throws: RigError.self) { try await podman.pull(name, plainHTTP: true) }
                }
                try await podman.logIn(at: daemon.proxy, as: "u:p")
                #expect(try await podman.pull(remote, plainHTTP: true) == image.manifest)
                // It asks /v2/ alone how to log in, and there the remote answers.
                if mode == .basic {
                    #expect(try await podman.pull(open, plainHTTP: true) == image.manifest)
                } else {
                    await #expect(throws: RigError.self) { try await podman.pull(open, plainHTTP: true) }
                }
            }
        }
    }

    @Test(
        "dockerd, logged in by the node, or by itself as the remote wants it",
        arguments: [RegistryMode.basic, .token]
    )
    func docker(mode: RegistryMode) async throws {
        try await withPrivateImage(mode, seed: 403) { daemon, image, _ in
            let remote = "\(daemon.proxy)/library/a:v1"
            let (open, closed) = ("\(daemon.proxy)/open.test/library/a:v1", "\(daemon.proxy)/closed.test/library/a:v1")
            try await withDockerd { docker async throws in
                // Where the remote wants a password, dockerd asks for nothing without one.
                let own = mode == .basic ? "u:p" : nil
                #expect(try await docker.pull(closed, credentials: own) == image.manifest)
                #expect(try await docker.pull(remote, credentials: "u:p") == image.manifest)
                for name in [open, remote] {
                    await #expect(throws: RigError.self) { try await docker.pull(name) }
                    await #expect(throws: RigError.self) { try await docker.pull(name, credentials: "u:wrong") }
                }
                if mode == .basic {
                    #expect(try await docker.pull(open, credentials: "u:p") == image.manifest)
                } else {
                    await #expect(throws: RigError.self) { try await docker.pull(open, credentials: "u:p") }
                }
            }
        }
    }
}
