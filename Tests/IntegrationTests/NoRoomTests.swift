import Content
import Foundation
import TestSupport
import Testing

/// Disks that are full and quotas that are too small.
@Suite(.serialized) struct NoRoomTests {
    private let client = Client()

    /// Whose place is too small.
    enum Node: CaseIterable { case supernode, daemon, both }

    @Test(arguments: Node.allCases)
    func aQuotaTooSmallPassesThroughToTheRegistry(small: Node) async throws {
        let quota = ", quota: 1MiB"
        try await pullWithoutRoom { directory in
            (
                Configurations.supernode(home: "\(directory)/s/home", store: small == .daemon ? "" : quota),
                { supernode, registry in
                    Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode],
                        registry: registry,
                        store: small == .supernode ? "" : quota
                    )
                }
            )
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"), arguments: Node.allCases)
    func aFullDiskPassesThroughToTheRegistry(small: Node) async throws {
        try await SmallDisk.with(megabytes: 3) { disk in
            try await pullWithoutRoom { directory in
                let (full, free) = (disk, directory)
                return (
                    Configurations.supernode(home: "\(small == .daemon ? free : full)/s"),
                    { supernode, registry in
                        Configurations.daemon(
                            home: "\(small == .supernode ? free : full)/d",
                            supernodes: [supernode],
                            registry: registry
                        )
                    }
                )
            }
        }
    }

    @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"), arguments: Node.allCases)
    func onAFullDiskContentOfUnknownLengthIsNeverTakenForWhole(small: Node) async throws {
        let large = randomBytes(6 << 20, seed: 64)
        let path = "/v2/library/a/blobs/\(Digest.of(large))"
        let fits = BlobOrigin(byteCount: 100_000, seed: 65)
        try await SmallDisk.with(megabytes: 3) { disk in
            try await withTemporaryDirectory { directory in
                try await withScriptedServer { request in
                    request.path == path && request.method == "GET" ? .chunked([large]) : fits.answer(request)
                } body: { registry in
                    let home = "\(small == .daemon ? directory : disk)/s"
                    try await withSupernode(Configurations.supernode(home: home), in: "\(directory)/s") { supernode in
                        let configuration = Configurations.daemon(
                            home: "\(small == .supernode ? directory : disk)/d",
                            supernodes: [supernode.api],
                            registry: registry.url("")
                        )
                        try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                            let (answer, isWhole) = try await client.receive("http://\(daemon.proxy)\(path)")
                            let isRight = answer.body.elementsEqual(large.prefix(answer.body.count))
                            #expect(isRight && isWhole == (answer.body.count == large.count) || answer.status >= 500)
                            // The room is there again for what fits.
                            let next = try await client.send("GET", "http://\(daemon.proxy)\(fits.path)")
                            #expect(next.body.elementsEqual(fits.bytes))
                        }
                    }
                }
            }
        }
    }

    @Test func whatDoesNotFitTheQuotaIsFetchedAllTheSameAndCanNotBePut() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: 3 << 20, seed: 63)
            try await withNginx(root: root) { origin in
                let (home, quota) = ("\(directory)/s", ", quota: 1MiB")
                let configuration = Configurations.supernode(home: "\(home)/home", store: quota)
                try await withSupernode(configuration, in: home) { supernode in
                    let node = Configurations.daemon(
                        home: "\(directory)/d/home",
                        supernodes: [supernode.api],
                        store: quota
                    )
                    try await withDaemon(node, in: "\(directory)/d") { daemon in
                        let tool = try Dfget(in: directory)
                        let url = "\(origin.url)/file"
                        let alone = try await tool.get(["-n", supernode.api, "-o", tool.output("alone"), url])
                        #expect(alone.from.origin == 3 << 20)
                        #expect(try fileDigest(tool.output("alone")) == digest)
                        let refused = try await tool.fails([
                            "-n", supernode.api, "-o", tool.output("no"), url, "--notbs",
                        ])
                        #expect(refused.code == 3, "\(refused.line)")
                        #expect(refused.lines == 1)
                        let home = String(daemon.socket.dropLast("/dfdaemon.sock".count))
                        let full = try await tool.fails(["--home", home, "-o", tool.output("no"), url])
                        #expect(full.code == 3, "\(full.line)")
                        #expect(full.line.contains("dfdaemon has no room"))
                        let put = try await run(try dfget(["put", "\(root)/file", "-n", supernode.api]))
                        #expect(put.status.exitCode == 3, "\(put.errors)")
                        #expect(put.errors.contains("the supernode has no room"))
                        #expect(put.errors.split(separator: "\n").count == 1)
                        #expect(try tool.outputs() == ["alone"])
                    }
                }
            }
        }
    }

    /// Pulls a blob that has no room, twice, and a small one that has.
    private func pullWithoutRoom(
        _ configurations: (_ directory: String) -> (
            supernode: String, daemon: (_ supernode: String, _ registry: String) -> String
        )
    ) async throws {
        let large = BlobOrigin(byteCount: 4 << 20, seed: 61)
        let small = BlobOrigin(byteCount: 100_000, seed: 62)
        try await withTemporaryDirectory { directory in
            let chosen = configurations(directory)
            try await withScriptedServer { request in
                request.path == small.path ? small.answer(request) : large.answer(request)
            } body: { registry in
                try await withSupernode(chosen.supernode, in: "\(directory)/s") { supernode in
                    let configuration = chosen.daemon(supernode.api, registry.url(""))
                    try await withDaemon(configuration, in: "\(directory)/d") { daemon in
                        for blob in [small, large, large, small] {
                            let answer = try await client.send("GET", "http://\(daemon.proxy)\(blob.path)")
                            #expect(answer.status == 200)
                            #expect(answer.body.elementsEqual(blob.bytes))
                        }
                    }
                }
            }
        }
    }
}

/// A file system in memory that is soon full.
enum SmallDisk {
    /// Whether one can be mounted here.
    static var isPossible: Bool { geteuid() == 0 && (try? mountsWork()) == true }

    private static func mountsWork() throws -> Bool {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let mask = line.flatMap { UInt64($0.drop { $0 != "\t" }.dropFirst(), radix: 16) } ?? 0
        // CAP_SYS_ADMIN.
        return mask & (1 << 21) != 0
    }

    static func with<Result>(megabytes: Int, _ body: (String) async throws -> Result) async throws -> Result {
        try await withTemporaryDirectory { directory in
            let options = ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", directory]
            try await runSuccessfully(.init("mount", options))
            do {
                let result = try await body(directory)
                try await runSuccessfully(.init("umount", [directory]))
                return result
            } catch {
                _ = try? await run(.init("umount", [directory]))
                throw error
            }
        }
    }
}
