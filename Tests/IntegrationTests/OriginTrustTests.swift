import Content
import Foundation
import TestSupport
import Testing

/// Origins whose certificates only somebody's own authority vouches for.
@Suite(.serialized) struct OriginTrustTests {
    /// A CA of its own, which nobody trusts unless told to.
    private func withOrigin(
        _ body: (_ directory: String, _ url: String, _ authority: String, _ digest: Digest) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: 1 << 20, seed: 121)
            var options = OriginOptions()
            options.tls = true
            try await withNginx(root: root, options) { origin in
                try await body(directory, "\(origin.url)/file", try #require(origin.certificateAuthority), digest)
            }
        }
    }

    @Test func whoeverFetchesDecidesAndIsNamed() async throws {
        try await withOrigin { directory, url, authority, digest in
            try await withRoutes(in: directory) { routes in
                let tool = try Dfget(in: directory)
                let advice = [
                    "alone": "--cacerts", "supernode": "the supernode fetches it", "daemon": "dfdaemon fetches it",
                    "daemon-and-supernode": "the supernode fetches it",
                ]
                for (route, options) in routes {
                    let failure = try await tool.fails(options + ["-o", tool.output(), url])
                    #expect(failure.code == 4, "\(route): \(failure.line)")
                    #expect(failure.line.contains(advice[route] ?? "?"), "\(route): \(failure.line)")
                    #expect(failure.lines == 1)
                    for flags in [["--insecure"], ["--cacerts", authority]] {
                        if route == "supernode" {
                            // The trust of a supernode is not its clients' to give, and they are told.
                            let refused = try await tool.fails(options + flags + ["-o", tool.output(), url])
                            #expect(refused.code == 4, "\(refused.line)")
                            #expect(refused.line.contains("backends:"), "\(refused.line)")
                        }
                        let source = route == "supernode" ? ["--pattern", "source"] : []
                        let summary = try await tool.get(options + flags + source + ["-o", tool.output(), url])
                        #expect(summary.from.origin == 1 << 20, "\(route)")
                        #expect(try fileDigest(tool.output()) == digest)
                        try FileManager.default.removeItem(atPath: tool.output())
                    }
                }
                // With every supernode out of reach it is dfget itself that fetches.
                let nobody = ["-n", "127.0.0.1:1", "--cacerts", authority, "-o", tool.output(), url]
                #expect(try await tool.get(nobody).from.origin == 1 << 20)
            }
        }
    }

    @Test func aSupernodesTrustIsItsConfiguration() async throws {
        try await withOrigin { directory, url, authority, digest in
            let more = "backends: [{plugin: http, hosts: [127.0.0.1], ca_file: \(authority)}]"
            try await withRoutes(in: directory, supernode: more) { routes in
                let tool = try Dfget(in: directory)
                for (route, options) in routes where route.contains("supernode") {
                    let summary = try await tool.get(options + ["-o", tool.output(route), url])
                    #expect(summary.from.origin == 0)
                    #expect(try fileDigest(tool.output(route)) == digest)
                }
            }
        }
    }

    @Test(
        "A file without certificates is a mistake, told before anything is fetched",
        arguments: [[], ["-n", "127.0.0.1:1"]]
    )
    func aFileWithoutCertificates(nodes: [String]) async throws {
        try await withTemporaryDirectory { directory in
            let (file, configuration) = ("\(directory)/ca.pem", "\(directory)/dfget.yml")
            try "no certificate\n".write(toFile: file, atomically: true, encoding: .utf8)
            let tool = try Dfget(in: directory)
            let get = nodes + ["-o", tool.output(), "https://127.0.0.1:1/file"]
            let flag = try await tool.fails(["--cacerts", file] + get)
            #expect(flag.code == 2)
            #expect(flag.line.contains("--cacerts is no PEM file with certificates: \(file)"), "\(flag.line)")
            for text in ["tls:\n  ca_file: \(file)\n", "home: /nonexistent\nsupernode_ca_file: \(file)\n"] {
                try text.write(toFile: configuration, atomically: true, encoding: .utf8)
                let configured = try await tool.fails(["--config", configuration] + get)
                #expect(configured.code == 2)
                #expect(configured.line.contains("\(configuration):2: '"), "\(configured.line)")
                #expect(configured.line.contains("is no PEM file with certificates: \(file)"), "\(configured.line)")
            }
        }
    }
}
