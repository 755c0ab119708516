import CacheStore
import Content
import Foundation
import Glibc
import TestSupport
import Testing

/// dfget is interrupted, or what it relies on goes away.
@Suite(.serialized) struct ResumeTests {
    /// Larger than one request to the origin, which asks for 16 MiB.
    private static let size = 20 << 20
    private static let probe: Int64 = 16 << 20

    /// Ways to end a dfget in mid-transfer.
    enum End: CaseIterable {
        case interrupted, terminated, killed

        var signal: Int32 {
            switch self {
            case .interrupted: SIGINT
            case .terminated: SIGTERM
            case .killed: SIGKILL
            }
        }

        /// Its exit status; nil: it ends by the signal itself.
        var code: Int32? {
            switch self {
            case .interrupted: 130
            case .terminated: 143
            case .killed: nil
            }
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: End.allCases)
    func theSameCommandGoesOnWhereItWas(end: End) async throws {
        let bytes = randomBytes(Self.size, seed: 91)
        let release = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                // The first request is answered; whatever follows hangs until released.
                if request.number > 1 { await release.wait() }
                return .content(bytes, for: request, ["ETag": "\"one\""])
            } body: { origin in
                let tool = try Dfget(in: directory)
                let arguments = ["-o", tool.output(), origin.url("/file")]
                try await withProcess(try tool.command(arguments)) { process in
                    await origin.waitForRequests(2)
                    // All that it asked for is there, and at least half of it has been hashed and noted.
                    await eventually {
                        guard let saved = TargetFile.saved(at: tool.output()) else { return false }
                        return Int64(saved.pieces.count) * saved.layout.pieceSize >= Self.probe / 2
                    }
                    process.signal(end.signal)
                    let status = await process.end().status
                    #expect(status.exitCode == end.code)
                    #expect(!FileManager.default.fileExists(atPath: tool.output()))
                }
                release.fire()
                let before = origin.requests.count
                let summary = try await tool.get(arguments)
                #expect(try fileDigest(tool.output()) == Digest.of(bytes))
                #expect(try tool.outputs() == ["file"])
                let asked = origin.requests.dropFirst(before).reduce(Int64(0)) { sum, request in
                    guard case .partial(let range)? = request.range?.resolve(length: Int64(Self.size)) else {
                        return sum + Int64(Self.size)
                    }
                    return sum + range.count
                }
                // What had arrived is not asked for again, but for what was not hashed yet when it ended.
                #expect(asked == Int64(Self.size) - summary.from.cache)
                #expect(asked <= Int64(Self.size) - Self.probe / 2)
                #expect(summary.from.cache >= Self.probe / 2)
            }
        }
    }

    @Test func anotherVersionAtTheOriginIsNeverMixedIn() async throws {
        let old = randomBytes(Self.size, seed: 92)
        let new = randomBytes(Self.size, seed: 93)
        let isNew = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                if isNew.hasFired { return .content(new, for: request, ["ETag": "\"new\""]) }
                if request.number > 1 { await isNew.wait() }
                return .content(old, for: request, ["ETag": "\"old\""])
            } body: { origin in
                let tool = try Dfget(in: directory)
                let arguments = ["-o", tool.output(), origin.url("/file")]
                try await withProcess(try tool.command(arguments)) { process in
                    await origin.waitForRequests(2)
                    await process.kill()
                }
                isNew.fire()
                _ = try await tool.get(arguments)
                #expect(try fileDigest(tool.output()) == Digest.of(new))
            }
        }
    }

    @Test(arguments: [false, true])
    func aSupernodeThatComesBackIsWaitedFor(isOtherFull: Bool) async throws {
        let bytes = randomBytes(Self.size, seed: 95)
        let release = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                if request.number > 1, !release.hasFired { await release.wait() }
                return .content(bytes, for: request, ["ETag": "\"one\""])
            } body: { origin in
                try await withScriptedServer { _ in
                    .respond(503, body: Array(#"{"error":{"code":"storage_full","message":"no room"}}"#.utf8))
                } body: { full in
                    let home = "\(directory)/s"
                    let tool = try Dfget(in: directory, patience: "1m")
                    let port = FreePort.next()
                    let configuration = Configurations.supernode(home: "\(home)/home", port: port)
                    // The other one is hardly ever the first, so that its refusal is the last word.
                    let node = "127.0.0.1:\(port)=1000" + (isOtherFull ? ",127.0.0.1:\(full.port)" : "")
                    let arguments = [
                        "-n", node, "-o", tool.output(), origin.url("/file"), "--notbs", "--verbose", "--json",
                    ]
                    try await withSupernode(configuration, in: home) { supernode in
                        try await withProcess(try tool.command(arguments)) { process in
                            try await supernode.process.line(containing: "/pieces/30 ")
                            await supernode.process.kill()
                            try await process.line(containing: "supernode does not answer")
                            if isOtherFull { try await process.line(containing: "supernode refused") }
                            release.fire()
                            try await withSupernode(configuration, in: "\(directory)/again") { _ in
                                #expect(await process.end().status.isSuccess)
                            }
                        }
                    }
                    #expect(try fileDigest(tool.output()) == Digest.of(bytes))
                }
            }
        }
    }

    @Test(arguments: [false, true])
    func withTheSupernodeKilledItGoesToTheOriginUnlessForbidden(forbidden: Bool) async throws {
        let bytes = randomBytes(Self.size, seed: 94)
        let release = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                if request.number > 1, !release.hasFired { await release.wait() }
                return .content(bytes, for: request, ["ETag": "\"one\""])
            } body: { origin in
                let home = "\(directory)/s"
                let tool = try Dfget(in: directory)
                try await withSupernode(Configurations.supernode(home: "\(home)/home"), in: home) { supernode in
                    let arguments =
                        ["-n", supernode.api, "-o", tool.output(), origin.url("/file")] + (forbidden ? ["--notbs"] : [])
                    try await withProcess(try tool.command(arguments + ["--json"])) { process in
                        // A piece has been sent to dfget, and the supernode waits for the origin.
                        try await supernode.process.line(containing: "/pieces/30 ")
                        await supernode.process.kill()
                        release.fire()
                        let status = await process.end().status
                        if forbidden {
                            #expect(status.exitCode == 4)
                            #expect(process.errors.split(separator: "\n").count == 1)
                            #expect(!FileManager.default.fileExists(atPath: tool.output()))
                        } else {
                            #expect(status.isSuccess)
                            #expect(try fileDigest(tool.output()) == Digest.of(bytes))
                            #expect(try tool.outputs() == ["file"])
                        }
                    }
                }
                guard forbidden else { return }
                // Another supernode's manifest says which of its pieces are still right.
                let other = "\(directory)/other"
                try await withSupernode(Configurations.supernode(home: "\(other)/home"), in: other) { supernode in
                    let summary = try await tool.get([
                        "-n", supernode.api, "-o", tool.output(), origin.url("/file"), "--notbs",
                    ])
                    #expect(summary.from.cache > 0)
                    #expect(summary.from.cache + summary.from.supernode == Int64(Self.size))
                    #expect(try fileDigest(tool.output()) == Digest.of(bytes))
                }
            }
        }
    }
}
