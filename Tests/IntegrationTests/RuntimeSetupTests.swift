import Foundation
import TestSupport
import Testing

/// `dfdaemon runtime configure` and the runtimes that read what it writes.
@Suite(.serialized) struct RuntimeSetupTests {
    private func runtime(_ arguments: [String]) async throws -> CommandResult {
        try await run(.init(try builtExecutable("dfdaemon"), ["runtime"] + arguments))
    }

    @Test(
        "containerd pulls through a daemon that it was pointed to, for one registry or for all",
        .enabled(if: geteuid() == 0, "containerd needs root"),
        arguments: [true, false]
    )
    func containerd(named: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5], seed: 31)
            try await withRegistry { registry in
                try await registry.push(image, as: "library/a:v1")
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registries: "{host: registry.test, url: \"\(registry.url)\"}"
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    let root = "\(directory)/machine"
                    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
                    let names = named ? ["--registry", "registry.test"] : []
                    let result = try await runtime(
                        ["configure", "containerd", "--root", root, "--mirror", "http://\(daemon.proxy)"] + names
                    )
                    #expect(result.status.isSuccess, "\(result.errors)")
                    #expect(result.output.contains("systemctl restart containerd"))
                    try await withContainerd { runtime in
                        // Nothing else has the image: there is no host of that name.
                        let digest = try await runtime.pull(
                            "registry.test/library/a:v1",
                            hosts: "\(root)/etc/containerd/certs.d"
                        )
                        #expect(digest == image.manifest)
                    }
                    #expect(try await daemon.received(from: "origin") > 0)
                }
            }
        }
    }

    /// As CRI-O and podman, with the same library: the mirror is a path.
    @Test("skopeo pulls through a daemon by the written registries.conf")
    func skopeo() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5], seed: 32)
            try await withRegistry { registry in
                try await registry.push(image, as: "library/a:v1")
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registries: "{host: registry.test, url: \"\(registry.url)\"}"
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    let root = "\(directory)/machine"
                    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
                    let result = try await runtime(
                        [
                            "configure", "podman", "--root", root, "--mirror", "http://\(daemon.proxy)", "--registry",
                            "registry.test",
                        ]
                    )
                    #expect(result.status.isSuccess, "\(result.errors)")
                    let target = "\(directory)/pulled"
                    try await runSuccessfully(
                        .init(
                            "skopeo",
                            [
                                "--insecure-policy", "--registries-conf",
                                "\(root)/etc/containers/registries.conf.d/darter.conf", "copy", "--quiet",
                                "docker://registry.test/library/a:v1", "dir:\(target)",
                            ]
                        )
                    )
                    try image.verifyPulled(into: target)
                }
            }
        }
    }

    @Test(
        "podman pulls through a daemon that it was pointed to, and without it when it is dead",
        .enabled(if: geteuid() == 0, "the tests' podman needs root")
    )
    func podman() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5], seed: 33)
            try await withRegistry { registry in
                try await registry.push(image, as: "library/a:v1")
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registries: "{host: registry.test, url: \"\(registry.url)\"}"
                )
                try await withPodman { podman async throws in
                    try await withDaemon(configuration, in: directory) { daemon in
                        let mirror = ["--mirror", "http://\(daemon.proxy)", "--registry", "registry.test"]
                        let result = try await runtime(["configure", "podman", "--root", podman.root] + mirror)
                        #expect(result.status.isSuccess, "\(result.errors)")
                        // Nothing else has the image: there is no host of that name.
                        #expect(try await podman.pull("registry.test/library/a:v1") == image.manifest)
                        #expect(try await daemon.received(from: "origin") >= image.layerBytes)
                        await daemon.process.kill()
                        await #expect(throws: RigError.self) { try await podman.pull("registry.test/library/a:v1") }
                    }
                    // As if the registry had that name.
                    let file = "\(podman.root)/etc/containers/registries.conf.d/darter.conf"
                    let text = try String(contentsOfFile: file, encoding: .utf8)
                    let place = "location = \"\(registry.authority)\"\ninsecure = true"
                    let real = text.replacing("location = \"registry.test\"", with: place)
                    #expect(real != text)
                    try real.write(toFile: file, atomically: true, encoding: .utf8)
                    #expect(try await podman.pull("registry.test/library/a:v1") == image.manifest)
                }
            }
        }
    }

    @Test(
        "dockerd pulls Docker Hub's images through a daemon that it was pointed to, which may log in there",
        .enabled(if: geteuid() == 0, "dockerd needs root"),
        arguments: [RegistryMode.none, .token]
    )
    func docker(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5], seed: 34)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                let login = mode == .none ? "" : ", username: u, password: p"
                let configuration = Configurations.daemon(
                    home: "\(directory)/home",
                    supernodes: [],
                    registry: registry.url,
                    registries: "{host: docker.io, url: \"\(registry.url)\"\(login)}"
                )
                try await withDaemon(configuration, in: directory) { daemon in
                    let root = "\(directory)/machine"
                    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
                    let mirror = ["--mirror", "http://\(daemon.proxy)"]
                    let result = try await runtime(["configure", "docker", "--root", root] + mirror)
                    #expect(result.status.isSuccess, "\(result.errors)")
                    try await withDockerd(settings: "\(root)/etc/docker") { docker async throws in
                        // Docker Hub itself is out of reach, or has no such image.
                        for name in ["a:v1", "library/a:v1", "docker.io/library/a:v1"] {
                            #expect(try await docker.pull(name) == image.manifest, "\(name)")
                        }
                    }
                    #expect(try await daemon.received(from: "origin") >= image.layerBytes)
                }
            }
        }
    }

    @Test("A dry run prints what `patch` takes and writes nothing; wrong usage and faults have exit codes of their own")
    func dryRunAndFaults() async throws {
        try await withTemporaryDirectory { root in
            let file = "\(root)/etc/docker/daemon.json"
            try FileManager.default.createDirectory(atPath: "\(root)/etc/docker", withIntermediateDirectories: true)
            try "{\n  \"debug\": true\n}\n".write(toFile: file, atomically: true, encoding: .utf8)
            let dry = try await runtime(["configure", "docker", "--root", root, "--dry-run"])
            #expect(dry.status.isSuccess)
            #expect(dry.output.contains("+  \"registry-mirrors\": [\"http://127.0.0.1:65001\"]\n"), "\(dry.output)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root)/etc/docker") == ["daemon.json"])

            let done = try await runtime(["configure", "docker", "--root", root])
            #expect(done.output.contains("systemctl reload docker"), "\(done.output)")
            let again = try await runtime(["configure", "docker", "--root", root])
            #expect(again.output.contains("nothing to change"), "\(again.output)")
            #expect(try await runtime(["restore", "docker", "--root", root]).status.isSuccess)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == "{\n  \"debug\": true\n}\n")

            try "{".write(toFile: file, atomically: true, encoding: .utf8)
            let broken = try await runtime(["configure", "docker", "--root", root])
            #expect(broken.status.exitCode == 1)
            #expect(broken.errors.contains("\(file):1: "), "\(broken.errors)")
            for wrong in [
                ["configure", "rkt"], ["configure", "docker", "--registry", "a/b"],
                ["configure", "docker", "--mirror", "x"],
            ] {
                #expect(try await runtime(wrong + ["--root", root]).status.exitCode == 64)
            }
        }
    }
}
