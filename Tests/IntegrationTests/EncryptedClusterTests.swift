import Content
import Foundation
import TestSupport
import Testing

/// Everything speaks TLS, with certificates of an authority of its own.
@Suite(.serialized) struct EncryptedClusterTests {
    private static let size: Int64 = 12 << 20
    /// A narrow way out of the supernode leaves something to do for the peers.
    private static let narrow = "peers: {seed_slots: 1}\nlimits: {upload: 6MB/s}"

    /// `wanted`: whether listeners want to see a certificate of their clients.
    @Test(arguments: [false, true])
    func nodesFetchPiecesFromEachOther(wanted: Bool) async throws {
        try await withOrigin { directory, origin, digest, files in
            let trust = "supernode_ca_file: \(files.authority)"
            let listener = Self.listener(files, wantsCertificate: wanted)
            let registry = "http://127.0.0.1:1"
            try await withCluster(
                of: 3,
                registry: registry,
                in: directory,
                listener: listener,
                supernode: Self.narrow,
                daemon: trust
            ) { supernode, daemons in
                let tool = try Dfget(in: directory)
                let summaries = try await withThrowingTaskGroup(of: DownloadSummary.self) { group in
                    for (number, daemon) in daemons.enumerated() {
                        let home = URL(filePath: daemon.socket).deletingLastPathComponent().path
                        let output = tool.output("\(number)")
                        group.addTask { try await tool.get(["--home", home, "-o", output, "\(origin.url)/file"]) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for number in 0..<3 { #expect(try fileDigest(tool.output("\(number)")) == digest) }
                #expect(summaries.reduce(0) { $0 + $1.from.peers } > 0)
                for summary in summaries { #expect(summary.from.origin == 0) }
                #expect(try await origin.originBytes() <= Self.size * 102 / 100)
                guard !wanted else { return try await expectNobodyWithoutACertificate(supernode, tool, origin, files) }
                for server in [supernode.api] + daemons.map(\.health) {
                    let metrics = try await MetricsSnapshot.of(server, certificateAuthority: files.authority)
                    #expect((metrics.value("darter_received_bytes_total") ?? 0) >= Double(Self.size))
                }
            }
        }
    }

    private func expectNobodyWithoutACertificate(
        _ supernode: Supernode,
        _ tool: Dfget,
        _ origin: OriginServer,
        _ files: CertificateFiles
    ) async throws {
        let arguments = [
            "-n", "https://\(supernode.api)", "--cacerts", files.authority, "--notbs", "-o", tool.output("no"),
            "\(origin.url)/file",
        ]
        let refused = try await tool.fails(arguments)
        #expect(refused.code == 4, "\(refused.line)")
        let shown = try Dfget(in: "\(tool.directory)/shown", Self.pieces(files))
        let from = try await shown.get(arguments).from
        #expect(from.supernode + from.peers == Self.size)
    }

    @Test func aSupernodeOfAnUnknownAuthorityIsRefusedAndTheKeyIsNamed() async throws {
        try await withOrigin { directory, origin, digest, files in
            let other = try await CertificateFiles(in: "\(directory)/other")
            let registry = "http://127.0.0.1:1"
            try await withCluster(of: 0, registry: registry, in: directory, listener: Self.listener(files)) {
                supernode,
                _ in
                let tool = try Dfget(in: directory)
                let arguments = ["-n", "https://\(supernode.api)", "-o", tool.output(), "\(origin.url)/file"]
                for trust in [[], ["--cacerts", other.authority]] {
                    let refused = try await tool.fails(arguments + trust + ["--notbs"])
                    #expect(refused.code == 4)
                    #expect(refused.lines == 1)
                    #expect(refused.line.contains("certificate"), "\(refused.line)")
                    #expect(refused.line.contains("supernode_ca_file"), "\(refused.line)")
                    let put = try await run(
                        try dfget(["put", "\(directory)/root/file", "-n", "https://\(supernode.api)"] + trust)
                    )
                    #expect(put.status.exitCode == 4)
                    #expect(put.errors.contains("supernode_ca_file"))
                }
                let trusted = try await tool.get(arguments + ["--notbs", "--cacerts", files.authority])
                #expect(trusted.from.supernode == Self.size)
                #expect(try fileDigest(tool.output()) == digest)
            }
        }
    }

    /// The API holds secrets; pieces are verified anyway and leave by sendfile without TLS.
    @Test func piecesMayBePlainWhereTheAPIIsNot() async throws {
        try await withOrigin { directory, origin, digest, files in
            let configuration = """
                api: {address: "127.0.0.1:0"\(Self.listener(files))}
                pieces: {address: "127.0.0.1:0"}
                home: \(directory)/s/home
                store: {free_space_floor: 1MiB}
                origin: {allow_addresses: [127.0.0.0/8]}
                """
            try await withSupernode(configuration, in: "\(directory)/s") { supernode in
                let tool = try Dfget(in: directory)
                let summary = try await tool.get([
                    "-n", "https://\(supernode.api)", "--cacerts", files.authority, "--notbs", "-o", tool.output(),
                    "\(origin.url)/file",
                ])
                #expect(summary.from.supernode == Self.size)
                #expect(try fileDigest(tool.output()) == digest)
            }
        }
    }

    @Test func whatDfgetLeavesBehindOffersOverTLS() async throws {
        try await withOrigin { directory, origin, digest, files in
            let registry = "http://127.0.0.1:1"
            try await withCluster(
                of: 0,
                registry: registry,
                in: directory,
                listener: Self.listener(files),
                supernode: Self.narrow
            ) { supernode, _ in
                let tool = try Dfget(in: directory, Self.pieces(files))
                // Named from where dfget is started; what it leaves behind works elsewhere.
                let node = [
                    "-n", "https://\(supernode.api)", "--cacerts", "certificates/ca.crt", "--notbs",
                    "\(origin.url)/file",
                ]
                var first = try tool.command(node + ["-o", tool.output("first"), "--alivetime", "60s"])
                first.directory = directory
                try await runSuccessfully(first)
                let server = try tool.server(holding: tool.output("first"))
                var second = try tool.command(node + ["-o", tool.output("second"), "--json"])
                second.directory = directory
                let line = try await runSuccessfully(second)
                let summary = try JSONDecoder().decode(DownloadSummary.self, from: Data(line.utf8))
                #expect(summary.from.peers > 0)
                #expect(summary.from.origin == 0)
                #expect(try fileDigest(tool.output("second")) == digest)
                // Known by its authority, or its leave would not have been taken.
                server.terminate()
                try await server.end()
                let peers = try await runSuccessfully(
                    .init("curl", ["-sSf", "--cacert", files.authority, "https://\(supernode.api)/api/v1/peers"])
                )
                #expect(peers == #"{"items":[]}"#, "\(peers)")
            }
        }
    }

    private func withOrigin(
        _ body: (_ directory: String, OriginServer, Digest, CertificateFiles) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: Int(Self.size), seed: 92)
            let files = try await CertificateFiles(in: "\(directory)/certificates")
            try await withNginx(root: root) { try await body(directory, $0, digest, files) }
        }
    }

    /// The rest of a listener's section.
    private static func listener(_ files: CertificateFiles, wantsCertificate: Bool = false) -> String {
        let client = wantsCertificate ? ", client_ca: \(files.authority)" : ""
        return ", tls: {certificate: \(files.certificate), key: \(files.key)\(client)}"
    }

    /// dfget's piece server.
    private static func pieces(_ files: CertificateFiles) -> String {
        "pieces: {address: \"127.0.0.1:0\"\(listener(files))}"
    }
}
