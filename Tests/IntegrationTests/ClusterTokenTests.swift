import Content
import Foundation
import TestSupport
import Testing

/// A cluster that takes only who knows its secret: `cluster.token_file`.
@Suite(.serialized) struct ClusterTokenTests {
    private static let token = "a-secret-of-the-cluster"
    private static let size = 1 << 20
    private let client = Client()

    /// What a node says of itself.
    enum Node: CaseIterable { case right, wrong, silent }

    @Test(arguments: Node.allCases)
    func dfgetGetsInWithTheTokenAlone(node: Node) async throws {
        try await withGuardedCluster { directory, supernode, url, digest in
            let tool = try Dfget(in: directory, Self.section(node, in: directory))
            let arguments = ["-n", supernode.api, "-o", tool.output(), url]
            let put = try await run(try tool.put("\(directory)/root/file", at: supernode.api))
            guard node != .right else {
                let summary = try await tool.get(arguments + ["--notbs", "--alivetime", "60s"])
                #expect(summary.from.supernode == Self.size)
                #expect(put.output == "\(digest)\n")
                let server = try tool.server(holding: tool.output())
                try Self.expectNoToken(in: server.processIdentifier)
                server.terminate()
                try await server.end()
                return
            }
            let refused = try await tool.fails(arguments + ["--notbs"])
            #expect(refused.code == 6)
            #expect(refused.lines == 1)
            #expect(put.status.exitCode == 6)
            for line in [refused.line, put.errors] {
                #expect(line.contains("http://\(supernode.api): "))
                #expect(line.contains("cluster.token_file"))
            }
            // The origin is a way out, but nobody would look for the reason of its load here.
            let around = try await run(try tool.command(arguments))
            #expect(around.status.isSuccess)
            #expect(around.errors.contains("cluster.token_file"))
            #expect(try fileDigest(tool.output()) == digest)
        }
    }

    @Test(arguments: Node.allCases)
    func dfdaemonGetsInWithTheTokenAlone(node: Node) async throws {
        try await withGuardedCluster { directory, supernode, url, digest in
            let home = "\(directory)/d/home"
            let configuration = Configurations.daemon(
                home: home,
                supernodes: [supernode.api],
                Self.section(node, in: directory)
            )
            try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                let tool = try Dfget(in: directory)
                if node != .right {
                    let refused = try await tool.fails(["--home", home, "-o", tool.output(), url, "--notbs"])
                    #expect(refused.code == 6)
                    #expect(refused.line.contains("cluster.token_file"))
                }
                _ = try await tool.get(["--home", home, "-o", tool.output(), url])
                #expect(try fileDigest(tool.output()) == digest)
                let source = node == .right ? "supernode" : "origin"
                #expect(try await daemon.received(from: source) == Self.size)
                try Self.expectNoToken(in: daemon.process.processIdentifier)
                let errors = await daemon.process.stopForErrors()
                #expect(errors.contains("cluster.token_file") == (node != .right))
                #expect(!errors.contains(Self.token))
            }
        }
    }

    @Test(arguments: ["supernode", "dfdaemon", "dfget"])
    func aTokenFileThatHoldsNoneIsNamed(name: String) async throws {
        try await withTemporaryDirectory { directory in
            for (number, content) in [nil, "", "\nsecond line"].enumerated() {
                let file = "\(directory)/token\(number)"
                try content?.write(toFile: file, atomically: true, encoding: .utf8)
                let configuration = "\(directory)/configuration.yml"
                let text = "home: \(directory)/home\ncluster: {token_file: \(file)}\nsupernodes: [\"127.0.0.1:1\"]\n"
                let own = name == "supernode" ? text.replacing(/supernodes.*/, with: "") : text
                try own.write(toFile: configuration, atomically: true, encoding: .utf8)
                let arguments = name == "dfget" ? ["http://127.0.0.1:1/f", "-o", "\(directory)/f"] : []
                let result = try await run(.init(try builtExecutable(name), ["--config", configuration] + arguments))
                #expect(result.status.exitCode == (name == "dfget" ? 2 : 78))
                #expect(result.errors.hasPrefix("\(name): cluster.token_file: \(file) "), "\(result.errors)")
            }
        }
    }

    /// A supernode with a token, and a file at an origin.
    private func withGuardedCluster(
        _ body: (_ directory: String, Supernode, _ url: String, Digest) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: Self.size, seed: 91)
            // What stands behind the first line is somebody's note.
            try "\(Self.token)\nsince today\n".write(toFile: "\(directory)/right", atomically: true, encoding: .utf8)
            try "another\n".write(toFile: "\(directory)/wrong", atomically: true, encoding: .utf8)
            try await withNginx(root: root) { origin in
                let section = Self.section(.right, in: directory)
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory, supernode: section) {
                    supernode,
                    _ in
                    try await body(directory, supernode, "\(origin.url)/file", digest)
                    for path in ["/api/v1/peers", "/api/v1/tasks", "/metrics", "/version", "/healthz"] {
                        let answer = try await client.send("GET", "http://\(supernode.api)\(path)")
                        #expect(answer.status == 200)
                        #expect(!answer.text.contains(Self.token))
                    }
                    try Self.expectNoToken(in: supernode.process.processIdentifier)
                    #expect(await !supernode.process.stopForErrors().contains(Self.token))
                }
            }
        }
    }

    private static func section(_ node: Node, in directory: String) -> String {
        node == .silent ? "" : "cluster: {token_file: \(directory)/\(node == .right ? "right" : "wrong")}"
    }

    /// What other users of the machine may see of a process.
    private static func expectNoToken(in process: Int32) throws {
        for name in ["cmdline", "environ"] {
            let data = try Data(contentsOf: URL(filePath: "/proc/\(process)/\(name)"))
            #expect(data.range(of: Data(token.utf8)) == nil)
        }
    }
}

extension Dfget {
    /// `dfget put`.
    func put(_ file: String, at supernode: String) throws -> RunningProcess.Command {
        var command = try command([file, "-n", supernode])
        command.arguments.insert("put", at: 0)
        return command
    }
}
