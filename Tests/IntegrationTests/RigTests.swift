import Content
import Foundation
import TestSupport
import Testing

/// The servers and clients that the other tests rely on, by themselves.
///
/// Whether a failure is ours or the rig's shows here.
@Suite(.serialized) struct RigTests {
    @Test(arguments: [false, true])
    func nginxServesRangesAndCountsWhatLeavesIt(tls: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let digest = try writeRandomFile("\(directory)/file", byteCount: 3_000_001, seed: 1)
            var options = OriginOptions()
            options.tls = tls
            try await withNginx(root: directory, options) { origin in
                let trust = origin.certificateAuthority.map { ["--cacert", $0] } ?? []
                try await runSuccessfully(
                    .init("curl", trust + ["-sSf", "-o", "\(directory)/got", "\(origin.url)/file"])
                )
                #expect(try fileDigest("\(directory)/got") == digest)
                try await runSuccessfully(
                    .init("curl", trust + ["-sSf", "-r", "1000-1999", "-o", "/dev/null", "\(origin.url)/file"])
                )
                try await runSuccessfully(.init("curl", trust + ["-sSf", "-I", "\(origin.url)/file"]))

                let requests = try await origin.requests()
                #expect(requests.map(\.method) == ["GET", "GET", "HEAD"])
                #expect(requests.map(\.status) == [200, 206, 200])
                #expect(requests.map(\.bodyBytes) == [3_000_001, 1000, 0])
                #expect(requests[1].range == "bytes=1000-1999")
                #expect(try await origin.originBytes() == 3_001_001)
            }
        }
    }

    @Test func nginxTakesDirectivesAndAGivenPort() async throws {
        try await withTemporaryDirectory { directory in
            try writeRandomFile("\(directory)/file", byteCount: 100, seed: 1)
            var options = OriginOptions()
            options.directives = "max_ranges 0; location /private { return 401; }"
            options.port = FreePort.next()
            try await withNginx(root: directory, options) { origin in
                #expect(origin.authority == "127.0.0.1:\(options.port ?? 0)")
                let status = RunningProcess.Command("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}"])
                var ranged = status
                ranged.arguments += ["-r", "0-9", "\(origin.url)/file"]
                let whole = try await runSuccessfully(ranged)
                #expect(whole == "200")
                var refused = status
                refused.arguments.append("\(origin.url)/private")
                let unauthorized = try await runSuccessfully(refused)
                #expect(unauthorized == "401")
            }
        }
    }

    @Test func aServerThatCannotStartSaysWhy() async throws {
        try await withTemporaryDirectory { directory in
            var options = OriginOptions()
            options.directives = "no_such_directive;"
            do {
                try await withNginx(root: directory, options) { _ in _ = Issue.record("nginx started") }
            } catch let error as RigError {
                #expect(error.description.contains("no_such_directive"))
            }
        }
    }

    @Test(arguments: RegistryMode.allCases, [false, true])
    func skopeoPushesAndPulls(mode: RegistryMode, tls: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5, 1], seed: 7)
            try await withRegistry(mode, tls: tls) { registry in
                try await registry.push(image, as: "library/a:v1")
                try await skopeoCopy(
                    from: registry.reference("library/a:v1"),
                    to: "dir:\(directory)/pulled",
                    sourceCredentials: registry.credentials
                )
                try image.verifyPulled(into: "\(directory)/pulled")
                if mode != .none {
                    await #expect(throws: RigError.self) {
                        try await skopeoCopy(from: registry.reference("library/a:v1"), to: "dir:\(directory)/refused")
                    }
                }
                if let tokenServer = registry.tokenServer {
                    #expect(tokenServer.output.contains("repository:library/a:pull 200 u"))
                }
            }
        }
    }

    @Test func aPulledImageWithAWrongByteIsNotVerified() async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.1], seed: 7)
            try await skopeoCopy(from: image.reference, to: "dir:\(directory)/pulled")
            try image.verifyPulled(into: "\(directory)/pulled")
            let blob = try #require(image.blobs.first)
            try Data("wrong".utf8).write(to: URL(filePath: "\(directory)/pulled/\(blob.hex)"))
            #expect(throws: RigError.self) { try image.verifyPulled(into: "\(directory)/pulled") }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "containerd needs root"), arguments: RegistryMode.allCases)
    func containerdPulls(mode: RegistryMode) async throws {
        try await withTemporaryDirectory { directory in
            let image = try await makeImage(in: "\(directory)/image", layers: [0.5, 1], seed: 7)
            try await withRegistry(mode) { registry in
                try await registry.push(image, as: "library/a:v1")
                try await withContainerd { runtime in
                    let direct = try await runtime.pull(
                        "\(registry.authority)/library/a:v1",
                        credentials: registry.credentials,
                        plainHTTP: true
                    )
                    #expect(direct == image.manifest)
                    #expect(try await runtime.content() == image.blobs.union([image.manifest]))

                    // Nothing else than the mirror has the image: there is no host of that name.
                    #expect(try await runtime.content(namespace: "mirrored").isEmpty)
                    try runtime.mirror(host: "registry.test", server: "http://127.0.0.1:1", through: [registry.url])
                    let mirrored = try await runtime.pull(
                        "registry.test/library/a:v1",
                        namespace: "mirrored",
                        credentials: registry.credentials
                    )
                    #expect(mirrored == image.manifest)
                    #expect(try await runtime.content(namespace: "mirrored") == image.blobs.union([image.manifest]))
                }
            }
        }
    }
}
