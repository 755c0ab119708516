import Content
import Foundation
import TestSupport
import Testing

/// dfget downloads a file.
@Suite(.serialized) struct DownloadTests {
    @Test func fourAtOnceTakeTheFileFromTheOriginOnce() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let size: Int64 = 24 << 20
            let digest = try writeRandomFile("\(root)/file", byteCount: Int(size), seed: 71)
            try await withNginx(root: root) { origin in
                let limits = "limits: {upload: 40MB/s}\npeers: {seed_slots: 2}"
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory, supernode: limits) {
                    supernode,
                    _ in
                    let tool = try Dfget(in: directory)
                    let summaries = try await withThrowingTaskGroup(of: DownloadSummary.self) { group in
                        for number in 0..<4 {
                            group.addTask {
                                try await tool.get([
                                    "-n", supernode.api, "-o", tool.output("\(number)"), "\(origin.url)/file",
                                ])
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    for number in 0..<4 { #expect(try fileDigest(tool.output("\(number)")) == digest) }
                    #expect(try tool.outputs() == ["0", "1", "2", "3"])
                    #expect(try await origin.originBytes() <= size * 102 / 100)
                    for summary in summaries {
                        #expect(summary.bytes == size)
                        #expect(summary.from.origin == 0)
                        #expect(summary.from.supernode + summary.from.peers == size)
                    }
                    #expect(summaries.reduce(0) { $0 + $1.from.peers } > 0)
                    #expect(summaries.reduce(0) { $0 + $1.from.supernode } >= size)
                }
            }
        }
    }

    @Test(arguments: [0, 1, 262_144, 262_145, 3_000_000], [false, true])
    func filesOfEverySizeArriveWhole(size: Int, throughSupernode: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/a file", byteCount: size, seed: 72)
            try await withNginx(root: root) { origin in
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory) { supernode, _ in
                    let tool = try Dfget(in: directory)
                    let node = throughSupernode ? ["-n", supernode.api] : []
                    let url = "\(origin.url)/a%20file"
                    let summary = try await tool.get(node + ["-o", tool.output(), url, "--digest", "\(digest)"])
                    #expect(summary.bytes == size)
                    #expect(summary.digest == digest)
                    #expect(try fileDigest(tool.output()) == digest)
                    let toOutput = try await run(try tool.command(node + ["-o", "-", url]))
                    #expect(toOutput.status.isSuccess)
                    #expect(try tool.outputs() == ["file"])
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func contentWithoutALengthArrivesWhole(throughSupernode: Bool) async throws {
        let bytes = randomBytes(2_500_000, seed: 73)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                if request.path == "/chunked" {
                    return .chunked([Array(bytes[..<1_000_000]), Array(bytes[1_000_000...])])
                }
                return .unsized(bytes)
            } body: { origin in
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory) { supernode, _ in
                    let tool = try Dfget(in: directory)
                    for path in ["/chunked", "/unsized"] {
                        let node = throughSupernode ? ["-n", supernode.api] : []
                        let summary = try await tool.get(node + ["-o", tool.output(), origin.url(path)])
                        #expect(summary.bytes == bytes.count)
                        #expect(try fileDigest(tool.output()) == Digest.of(bytes))
                    }
                }
            }
        }
    }

    @Test func aDeadSupernodeOfTwoIsPassedOver() async throws {
        let bytes = randomBytes(700_000, seed: 76)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                .content(bytes, for: request)
            } body: { origin in
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory) { supernode, _ in
                    let tool = try Dfget(in: directory)
                    let node = "127.0.0.1:\(FreePort.next())=1000,\(supernode.api)=1"
                    let summary = try await tool.get(["-n", node, "-o", tool.output(), origin.url("/file")])
                    #expect(summary.from.supernode == 700_000)
                    #expect(try fileDigest(tool.output()) == Digest.of(bytes))
                }
            }
        }
    }

    @Test func aFileThatWasPutIsFetchedByItsDigestAlone() async throws {
        try await withTemporaryDirectory { directory in
            let digest = try writeRandomFile("\(directory)/file", byteCount: 5_000_001, seed: 74)
            try await withCluster(of: 1, registry: "http://127.0.0.1:1", in: directory) { supernode, daemons in
                let tool = try Dfget(in: directory)
                let printed = try await runSuccessfully(try dfget(["put", "\(directory)/file", "-n", supernode.api]))
                #expect(printed.split(separator: "\n").contains { $0 == "\(digest)" })
                let alone = try await tool.get([
                    "-n", supernode.api, "--digest", "\(digest)", "-o", tool.output("alone"),
                ])
                #expect(try fileDigest(tool.output("alone")) == digest)
                #expect(alone.from.supernode == 5_000_001)
                let home = URL(filePath: daemons[0].socket).deletingLastPathComponent().path
                _ = try await tool.get(["--home", home, "--digest", "\(digest)", "-o", tool.output("node")])
                #expect(try fileDigest(tool.output("node")) == digest)
                // What nobody has put is nowhere.
                let missing = Digest.of("never put")
                let failure = try await tool.fails([
                    "-n", supernode.api, "--digest", "\(missing)", "-o", tool.output("missing"),
                ])
                #expect(failure.code == 8)
                #expect(try tool.outputs() == ["alone", "node"])
            }
        }
    }

    @Test func throughTheNodesDaemonTheContentIsSharedWithItsOtherClients() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let size: Int64 = 3 << 20
            let digest = try writeRandomFile("\(root)/file", byteCount: Int(size), seed: 75)
            try await withNginx(root: root) { origin in
                try await withCluster(of: 1, registry: "http://127.0.0.1:1", in: directory) { _, daemons in
                    let tool = try Dfget(in: directory)
                    let home = URL(filePath: daemons[0].socket).deletingLastPathComponent().path
                    let url = "\(origin.url)/file"
                    let first = try await tool.get(["--home", home, "-o", tool.output("1"), url])
                    #expect(first.from.supernode == size)
                    let second = try await tool.get(["--home", home, "-o", tool.output("2"), url])
                    #expect(second.bytes == size)
                    #expect(try await daemons[0].received(from: "supernode") == size)
                    for name in ["1", "2"] { #expect(try fileDigest(tool.output(name)) == digest) }
                    let wrong = try await tool.fails([
                        "--home", home, "-o", tool.output("3"), url, "--digest", "\(Digest.of("other"))",
                    ])
                    #expect(wrong.code == 9, "\(wrong.line)")
                    let md5 = try await tool.fails([
                        "--home", home, "-o", tool.output("3"), url, "--md5", String(repeating: "0", count: 32),
                    ])
                    #expect(md5.code == 9, "\(md5.line)")
                    let missing = try await tool.fails(["--home", home, "-o", tool.output("3"), "\(origin.url)/none"])
                    #expect(missing.code == 8)
                    #expect(try tool.outputs() == ["1", "2"])
                    let sent = try await origin.originBytes()
                    // Once for the URL, and once more for the digest that was wrong.
                    let requests = try await origin.requests()
                    #expect(sent <= size * 2 * 102 / 100, "\(requests)")
                }
            }
        }
    }
}
