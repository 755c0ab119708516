import Content
import Foundation
import TestSupport
import Testing
import WireAPI

/// The process that dfget leaves behind.
@Suite(.serialized) struct SeedingTests {
    private let client = Client()

    /// The server that holds the output, once it answers: it listens only when the dfget that left it behind has ended.
    private func server(
        of tool: Dfget,
        home: String? = nil,
        at supernode: Supernode
    ) async throws -> ForeignProcess {
        let server = try tool.server(holding: tool.output("first"), home: home)
        let listing = try await client.send("GET", "http://\(supernode.api)/api/v1/peers").body
        let peers = try JSONDecoder().decode(Listing<PeerListing>.self, from: Data(listing)).items
        let url = try #require(peers.last).address
        while (try? await client.send("GET", url)) == nil { try Task.checkCancellation() }
        return server
    }

    @Test func aFinishedDownloadIsOfferedToOthersUntilNobodyAsks() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let size: Int64 = 8 << 20
            let digest = try writeRandomFile("\(root)/file", byteCount: Int(size), seed: 81)
            try await withNginx(root: root) { origin in
                let few = "peers: {seed_slots: 1}\nlimits: {upload: 4MB/s}"
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory, supernode: few) {
                    supernode,
                    _ in
                    let tool = try Dfget(in: directory)
                    let node = ["-n", supernode.api, "--notbs", "\(origin.url)/file"]
                    let home = "\(directory)/home"
                    _ = try await tool.get(
                        node + ["-o", tool.output("first"), "--alivetime", "15s", "--home", home]
                    )
                    let server = try await server(of: tool, home: home, at: supernode)
                    // It may fail to be asked for anything only if it does not offer anything.
                    let second = try await tool.get(node + ["-o", tool.output("second")])
                    #expect(second.from.peers > 0)
                    #expect(second.from.origin == 0)
                    #expect(try fileDigest(tool.output("second")) == digest)
                    #expect(ForeignProcess(holding: tool.output("second")) == nil)
                    try await server.end()
                    let log = try String(contentsOfFile: "\(home)/dfget-server.log", encoding: .utf8)
                    #expect(log.contains("offering"))
                    #expect(log.contains("nobody has asked"))
                    // And the supernode knows that it has gone.
                    let third = try await tool.get(node + ["-o", tool.output("third")])
                    #expect(third.from.supernode == size)
                    #expect(try await origin.originBytes() <= size * 102 / 100)
                }
            }
        }
    }

    /// Kills a supernode that a dfget server offers something to, and lets a second dfget fetch the same after its restart,
    /// once the offer was not wanted.
    private func restart(
        _ origin: String,
        in directory: String,
        _ body: (_ server: ForeignProcess, _ supernode: Supernode, _ log: String) async throws -> Void
    ) async throws {
        let (home, port) = ("\(directory)/supernode", FreePort.next())
        let configuration = Configurations.supernode(home: "\(home)/home", port: port)
        let tool = try Dfget(in: directory)
        let node = ["-n", "127.0.0.1:\(port)", "--notbs", "--alivetime", "10m", origin]
        let server = try await withSupernode(configuration, in: home) { supernode in
            _ = try await tool.get(node + ["-o", tool.output("first")])
            let first = try await self.server(of: tool, at: supernode)
            await supernode.process.kill()
            return first
        }
        defer { server.terminate() }
        let log = "\(directory)/no-daemon/dfget-server.log"
        func logged() -> String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
        try await withSupernode(configuration, in: home) { supernode in
            await eventually { logged().contains("not offered until somebody wants it") }
            #expect(logged().contains("not offered until somebody wants it"))
            _ = try await tool.get(node + ["-o", tool.output("second")])
            let second = try tool.server(holding: tool.output("second"))
            defer { second.terminate() }
            try await body(server, supernode, log)
        }
    }

    @Test(.timeLimit(.minutes(2))) func whatARestartedSupernodeCanNotConfirmIsOfferedOnceSomebodyElseWantsIt()
        async throws
    {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            try writeRandomFile("\(root)/file", byteCount: 1 << 20, seed: 84)
            try await withNginx(root: root) { origin in
                try await restart("\(origin.url)/file", in: directory) { server, supernode, log in
                    var takingPart = 0
                    while takingPart < 2 {
                        let listing = try await client.send("GET", "http://\(supernode.api)/api/v1/peers").body
                        let peers = try JSONDecoder().decode(Listing<PeerListing>.self, from: Data(listing)).items
                        takingPart = peers.count { $0.tasks == 1 }
                    }
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(2))) func aServerWhoseVersionIsOutOfDateEnds() async throws {
        let bytes = randomBytes(1 << 20, seed: 85)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { _ in
                // Without validators each fetch is a version of its own.
                .respond(200, body: bytes)
            } body: { origin in
                try await restart(origin.url("/file"), in: directory) { server, _, log in
                    try await server.end()
                    #expect(try String(contentsOfFile: log, encoding: .utf8).contains("not offered any more"))
                }
            }
        }
    }

    @Test func aServerEndsWhenItIsToldTo() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            try writeRandomFile("\(root)/file", byteCount: 1 << 20, seed: 83)
            try await withNginx(root: root) { origin in
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory) { supernode, _ in
                    let tool = try Dfget(in: directory)
                    let node = ["-n", supernode.api, "--notbs", "--alivetime", "10m"]
                    _ = try await tool.get(node + ["-o", tool.output(), "\(origin.url)/file"])
                    let server = try tool.server(holding: tool.output())
                    server.terminate()
                    try await server.end(within: .seconds(8))
                }
            }
        }
    }

    @Test func anOutputThatSomebodyChangesIsNotOfferedAnyLonger() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: 4 << 20, seed: 82)
            try await withNginx(root: root) { origin in
                let few = "peers: {seed_slots: 1}\nlimits: {upload: 4MB/s}"
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory, supernode: few) {
                    supernode,
                    _ in
                    let tool = try Dfget(in: directory)
                    let node = ["-n", supernode.api, "--notbs", "\(origin.url)/file"]
                    _ = try await tool.get(node + ["-o", tool.output("first"), "--alivetime", "60s"])
                    let server = try await server(of: tool, at: supernode)
                    let file = try FileHandle(forWritingTo: URL(filePath: tool.output("first")))
                    try file.write(contentsOf: Data(repeating: 1, count: 4 << 20))
                    try file.close()
                    let second = try await tool.get(node + ["-o", tool.output("second")])
                    #expect(second.from.peers == 0)
                    #expect(try fileDigest(tool.output("second")) == digest)
                    server.terminate()
                    try await server.end()
                }
            }
        }
    }

    @Test func aPortThatAnEarlierServerHasIsReplacedByAnother() async throws {
        try await withTemporaryDirectory { directory in
            let root = "\(directory)/root"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let digest = try writeRandomFile("\(root)/file", byteCount: 4 << 20, seed: 84)
            try await withNginx(root: root) { origin in
                try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory) { supernode, _ in
                    let port = FreePort.next()
                    // By the flag, and by the configuration.
                    let configured = try Dfget(in: directory, "pieces: {address: \"[::]:\(port)\"}")
                    let node = ["-n", supernode.api, "--notbs", "\(origin.url)/file", "--alivetime", "60s"]
                    var servers: [ForeignProcess] = []
                    for (name, options) in [("first", []), ("second", ["--port", "\(port)"]), ("third", [])] {
                        let output = configured.output(name)
                        let result = try await run(try configured.command(node + options + ["-o", output]))
                        #expect(result.status.isSuccess, "\(result.errors)")
                        #expect(try fileDigest(output) == digest)
                        let warnings = result.errors.split(separator: "\n").filter {
                            $0.contains("port \(port) is taken")
                        }
                        #expect(warnings.count == (name == "first" ? 0 : 1), "\(result.errors)")
                        servers.append(try configured.server(holding: output))
                    }
                    let listing = try await client.send("GET", "http://\(supernode.api)/api/v1/peers").body
                    let peers = try JSONDecoder().decode(Listing<PeerListing>.self, from: Data(listing)).items
                    #expect(Set(peers.map(\.address)).count == 3)
                    for peer in peers { _ = try await client.send("GET", peer.address) }
                    for server in servers {
                        server.terminate()
                        try await server.end()
                    }
                }
            }
        }
    }
}
