import Content
import Foundation
import TestSupport
import Testing

/// A registry whose certificate an authority of its own has signed.
@Suite(.serialized) struct RegistryAuthorityTests {
    @Test(arguments: RegistryMode.allCases)
    func skopeoPullsFromTheRemote(mode: RegistryMode) async throws {
        try await withMirroredRegistry(mode) { directory, image, registry, daemon in
            let target = "\(directory)/pulled"
            try await skopeoCopy(
                from: "docker://\(daemon.proxy)/library/a:v1",
                to: "dir:\(target)",
                sourceCredentials: registry.credentials
            )
            try image.verifyPulled(into: target)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "containerd needs root"), arguments: RegistryMode.allCases)
    func containerdPullsByTheNameItKnows(mode: RegistryMode) async throws {
        try await withMirroredRegistry(mode) { _, image, registry, daemon in
            try await withContainerd { runtime in
                try runtime.mirror(
                    host: "registry.test",
                    server: "http://127.0.0.1:1",
                    through: ["http://\(daemon.proxy)"]
                )
                let digest = try await runtime.pull("registry.test/library/a:v1", credentials: registry.credentials)
                #expect(digest == image.manifest)
                #expect(try await runtime.content() == image.blobs.union([image.manifest]))
            }
        }
    }

    /// As a file of Dragonfly 1 has it.
    @Test func allOfSeveralFilesAreTrusted() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.2], seed: 14)
            let other = try await CertificateFiles(in: "\(directory)/other")
            try await withRegistry(tls: true) { registry in
                try await registry.push(image, as: "library/a:v1")
                let authority = try #require(registry.certificateAuthority)
                for (number, files) in [[other.authority, authority], [authority, other.authority]].enumerated() {
                    let place = "\(directory)/\(number)"
                    let node = Configurations.daemon(home: "\(place)/home", supernodes: [], registry: registry.url)
                        .replacing(
                            "registry_mirror: {",
                            with: "registry_mirror: {certs: [\(files.joined(separator: ", "))], "
                        )
                    try await withDaemon(node, in: place) { daemon in
                        let target = "\(place)/pulled"
                        try await skopeoCopy(from: "docker://\(daemon.proxy)/library/a:v1", to: "dir:\(target)")
                        try image.verifyPulled(into: target)
                        // Not passed on: what is kept was fetched with the same trust.
                        #expect(try await daemon.received(from: "origin") >= image.layerBytes)
                    }
                }
            }
        }
    }

    @Test func anAuthorityThatCanNotBeReadAnyMoreIsNamed() async throws {
        try await withTemporaryDirectory { directory in
            let other = try await CertificateFiles(in: "\(directory)/other")
            try await withRegistry(tls: true) { registry in
                let authority = try #require(registry.certificateAuthority)
                let certs = "registry_mirror: {certs: [\(authority), \(other.authority)], "
                let node = Configurations.daemon(home: "\(directory)/home", supernodes: [], registry: registry.url)
                    .replacing("registry_mirror: {", with: certs)
                try await withDaemon(node, in: directory) { daemon in
                    let url = "http://\(daemon.proxy)/v2/library/a/manifests/v1"
                    #expect(try await Client().send("GET", url).status == 404)
                    try FileManager.default.removeItem(atPath: other.authority)
                    let answer = try await Client().send("GET", url)
                    #expect(answer.status == 502)
                    let problem = "authorities in \(other.authority) can not be read: No such file or directory"
                    #expect(answer.text.contains(problem), "\(answer.text)")
                    _ = try await daemon.process.line(containing: problem)
                }
            }
        }
    }

    @Test func anUnknownAuthorityIsNamedToTheClientAndInTheLog() async throws {
        try await withTemporaryDirectory { directory in
            try await withRegistry(tls: true) { registry in
                try await withCluster(of: 1, registry: registry.url, in: directory) { _, daemons in
                    let answer = try await Client().send("GET", "http://\(daemons[0].proxy)/v2/")
                    #expect(answer.status == 502)
                    #expect(answer.text.hasPrefix(#"{"errors":[{"#), "\(answer.text)")
                    let problem = "\(registry.url): SSL certificate problem"
                    #expect(answer.text.contains(problem))
                    try await daemons[0].process.line(containing: problem)
                }
            }
        }
    }

    /// Runs a node that knows the registry as its remote and as `registry.test`, and then checks that the layers came
    /// from the supernode.
    private func withMirroredRegistry(
        _ mode: RegistryMode,
        _ body: (_ directory: String, TestImage, RegistryServer, Daemon) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [2, 0.2], seed: 13)
            try await withRegistry(mode, tls: true) { registry in
                try await registry.push(image, as: "library/a:v1")
                let authority = try #require(registry.certificateAuthority)
                let backend = "{plugin: registry, hosts: [\"\(registry.authority)\"], ca_file: \(authority)}"
                let names = [registry.authority, "registry.test"].map {
                    "{host: \"\($0)\", url: \"\(registry.url)\", ca_file: \(authority)}"
                }
                try await withCluster(
                    of: 1,
                    registry: registry.url,
                    registries: names.joined(separator: ", "),
                    in: directory,
                    supernode: "backends: [\(backend)]"
                ) { _, daemons in
                    try await body(directory, image, registry, daemons[0])
                    #expect(try await daemons[0].received(from: "supernode") >= image.layerBytes)
                    #expect(try await daemons[0].received(from: "origin") == 0)
                }
            }
        }
    }
}
