import Content
import Foundation
import TestSupport
import Testing
import WireAPI

/// How peers stand, and nodes that are taken out.
@Suite(.serialized, .timeLimit(.minutes(2))) struct PeerHealthTests {
    private static let few = "peers: {seed_slots: 1}\nlimits: {upload: 4MB/s}"
    private let client = Client()

    @Test func aBlockedNodeServesNobodyUntilItIsUnblocked() async throws {
        let origin = BlobOrigin(byteCount: 8 << 20, seed: 41)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                // The supernode hardly serves anything itself: whoever has pieces is asked.
                try await withCluster(of: 3, registry: registry.url(""), in: directory, supernode: Self.few) {
                    supernode,
                    daemons in
                    try await pull(origin, through: daemons[0])
                    let reason = "its disk is dying"
                    #expect(
                        try await supernode.operate("block", daemons[0].pieces, "--reason", reason)
                            == "\(daemons[0].pieces) is blocked\n"
                    )
                    try await expect(supernode, [.blocked: 1, .healthy: 0])
                    let table = try await supernode.operate("peers").split(separator: "\n").map(String.init)
                    #expect(table.first?.hasPrefix("NAME") == true)
                    #expect(table.count == 2)
                    #expect(table.last?.contains("  \(daemons[0].pieces)  blocked  1      \(reason)") == true)

                    try await pull(origin, through: daemons[1])
                    #expect(try await daemons[1].received(from: "peer") == 0)

                    #expect(
                        try await supernode.operate("unblock", daemons[0].pieces)
                            == "\(daemons[0].pieces) is not blocked\n"
                    )
                    // By its identity, too.
                    let second = try await supernode.peer(at: daemons[1].pieces)
                    _ = try await supernode.operate("block", "\(second.peer)")
                    try await pull(origin, through: daemons[2])
                    #expect(try await daemons[2].received(from: "peer") > 0)
                    #expect(try await daemons[0].sent() > 0)
                    #expect(try await daemons[1].sent() == 0)
                    try await expect(supernode, [.blocked: 1, .healthy: 2])
                }
            }
        }
    }

    private func pull(_ origin: BlobOrigin, through daemon: Daemon) async throws {
        let answer = try await client.send("GET", "http://\(daemon.proxy)\(origin.path)")
        #expect(answer.status == 200)
        #expect(answer.body.elementsEqual(origin.bytes))
    }

    private func expect(_ supernode: Supernode, _ counts: [PeerState: Double]) async throws {
        // They are counted now and then.
        func isCounted() async throws -> Bool {
            let metrics = try await MetricsSnapshot.of(supernode.api)
            return counts.allSatisfy { metrics.value("darter_peers", ["state": $0.key.rawValue]) == $0.value }
        }
        while try await !isCounted() { try Task.checkCancellation() }
    }

    /// Runs `body` with a supernode, a liar that has told it to hold everything of a task, and a way to complain of it:
    /// a peer that registers from an address, waits until it is told to ask the liar, and reports wrong bytes.
    private func withLiar(
        _ seed: UInt64,
        _ body: (Supernode, _ complain: (_ from: String, _ isNamed: Bool) async throws -> Void) async throws -> Void
    ) async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: seed)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                try await withCluster(of: 0, registry: registry.url(""), in: directory) { supernode, _ in
                    let url = registry.url(origin.path)
                    let liar = try await FakePeer.register(at: supernode, port: 11)
                    let task = try await liar.joined(url: url, digest: origin.digest)
                    func report(failed: [TaskReport.FailedPiece] = [], window: Int = 0) -> TaskReport {
                        TaskReport(task: task.task, generation: task.generation, failed: failed, window: window)
                    }
                    var holding = report()
                    holding.holds = PieceSet(all: 4)
                    _ = try await liar.exchange(holding, sequence: 1, wait: .zero)
                    try await body(supernode) { address, isNamed in
                        let peer = try await FakePeer.register(at: supernode, port: 12, from: address)
                        _ = try await peer.joined(url: url, digest: origin.digest)
                        var piece = PieceIndex(0)
                        if isNamed {
                            let answer = try await peer.exchange(report(window: 4), sequence: 1, wait: .seconds(10))
                            let update = try #require(answer.tasks.first)
                            let named = update.assignments.first {
                                $0.parents.contains { update.parents[$0].peer == liar.registration.peer }
                            }
                            piece = try #require(named).piece
                        }
                        let failed = TaskReport.FailedPiece(
                            piece: piece,
                            parent: liar.registration.peer,
                            reason: .wrongBytes
                        )
                        _ = try await peer.exchange(report(failed: [failed]), sequence: 2, wait: .zero)
                    }
                }
            }
        }
    }

    @Test func severalNodesThatAreLiedToPutTheLiarIntoQuarantine() async throws {
        try await withLiar(42) { supernode, complain in
            for number in 2...4 {
                #expect(try await supernode.peer(at: "127.0.0.1:11").state == .healthy)
                try await complain("127.0.0.\(number)", true)
            }
            let standing = try await supernode.peer(at: "127.0.0.1:11")
            #expect(standing.state == .quarantined)
            #expect((5...10).contains(standing.quarantineSeconds ?? 0))
            #expect(standing.complaints == [ComplaintListing(reason: .wrongBytes, times: 3, addresses: 3)])
            let metrics = try await MetricsSnapshot.of(supernode.api)
            #expect(metrics.value("darter_complaints_total", ["reason": "wrongBytes"]) == 3)
            #expect(metrics.value("darter_quarantines_total") == 1)
            try await expect(supernode, [.quarantined: 1, .healthy: 3])
            #expect(try await supernode.operate("peers").contains(" s to go, 3 wrongBytes by 3\n"))
            try await supernode.process.line(containing: "peer in quarantine")
        }
    }

    @Test func aNodeThatRegistersSeveralTimesIsOneVoice() async throws {
        try await withLiar(43) { supernode, complain in
            for _ in 0..<4 { try await complain("127.0.0.2", true) }
            let standing = try await supernode.peer(at: "127.0.0.1:11")
            #expect(standing.state == .healthy)
            #expect(standing.complaints == [ComplaintListing(reason: .wrongBytes, times: 4, addresses: 1)])
        }
    }

    @Test func whoWasNotSentToAPeerDoesNotComplainOfIt() async throws {
        try await withLiar(44) { supernode, complain in
            for number in 2...5 { try await complain("127.0.0.\(number)", false) }
            let standing = try await supernode.peer(at: "127.0.0.1:11")
            #expect(standing.state == .healthy && standing.complaints.isEmpty)
            let metrics = try await MetricsSnapshot.of(supernode.api)
            #expect(metrics.value("darter_complaints_total", ["reason": "wrongBytes"]) == 0)
        }
    }

    @Test func whereThereIsASecretOnlyWhoKnowsItBlocks() async throws {
        try await withTemporaryDirectory { directory in
            let file = "\(directory)/token"
            try "a-secret\n".write(toFile: file, atomically: true, encoding: .utf8)
            let section = "cluster: {token_file: \(file)}"
            try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory, supernode: section) {
                supernode,
                _ in
                let url = "http://\(supernode.api)\(APIPath.block(of: "10.0.0.1:65002"))"
                for (method, headers) in [("PUT", [:]), ("DELETE", ["Authorization": "Bearer other"])]
                    as [(String, HeaderFields)]
                {
                    let answer = try await client.send(method, url, headers)
                    #expect(answer.status == 401)
                    #expect(answer.text.contains("cluster.token_file"))
                }
                let refused = try await run(try supernode.command("block", ["10.0.0.1:65002"]))
                #expect(refused.status.exitCode == 1)
                #expect(
                    refused.errors.hasPrefix("supernode: http://\(supernode.api): only who knows the cluster's token")
                )
                #expect(refused.errors.hasSuffix("--token-file\n"))
                let typo = try await run(try supernode.command("block", ["node7", "--token-file", file]))
                #expect(typo.errors.contains("'node7' is neither a peer's identity nor the ip:port"))
                #expect(
                    try await supernode.operate("block", "10.0.0.7:1", "--token-file", file)
                        == "10.0.0.7:1 is blocked; no peer is registered there now\n"
                )
                _ = try await supernode.operate("unblock", "10.0.0.7:1", "--token-file", file)

                let secret: HeaderFields = ["Authorization": "Bearer a-secret"]
                #expect(try await client.send("PUT", url, secret).status == 200)
                let malformed = try await client.send("PUT", url, secret, body: Array("{".utf8))
                #expect(malformed.status == 400)
                #expect(try await supernode.operate("peers").hasSuffix("-     10.0.0.1:65002  blocked  -\n"))
                _ = try await supernode.operate("unblock", "10.0.0.1:65002", "--token-file", file)
                #expect(
                    try await client.send("GET", "http://\(supernode.api)\(APIPath.blocks)").text == #"{"items":[]}"#
                )
            }
        }
    }

    @Test func theCommandsSayInOneLineWhatIsWrong() async throws {
        let nobody = try await run(.init(try builtExecutable("supernode"), ["peers", "--supernode", "127.0.0.1:1"]))
        #expect(nobody.status.exitCode == 1)
        #expect(nobody.errors.hasPrefix("supernode: http://127.0.0.1:1: "))
        #expect(nobody.errors.split(separator: "\n").count == 1)
        for node in ["no/such", "", "a b"] {
            let wrong = try await run(.init(try builtExecutable("supernode"), ["block", node]))
            #expect(wrong.status.exitCode == 1)
            #expect(
                wrong.errors == "supernode: '\(node)' is neither a peer's identity nor the ip:port of a node's pieces\n"
            )
        }
        try await withScriptedServer {
            .respond($0.path.hasSuffix("/block") ? 404 : 200)
        } body: { other in
            for arguments in [["peers"], ["block", "10.0.0.1:1"]] {
                let place = ["--supernode", "127.0.0.1:\(other.port)"]
                let wrong = try await run(.init(try builtExecutable("supernode"), arguments + place))
                #expect(wrong.status.exitCode == 1)
                #expect(wrong.errors.hasSuffix(": that is not the API of a supernode of this version\n"))
            }
        }
    }
}

extension Supernode {
    fileprivate func command(_ name: String, _ arguments: [String]) throws -> RunningProcess.Command {
        .init(try builtExecutable("supernode"), [name, "--supernode", api] + arguments)
    }

    /// What a command for those who run the cluster prints.
    fileprivate func operate(_ name: String, _ arguments: String...) async throws -> String {
        let result = try await run(try command(name, arguments))
        guard result.status.isSuccess else { throw RigError("\(name): \(result.errors)") }
        return result.output
    }

    fileprivate func peer(at pieces: String) async throws -> PeerListing {
        let answer = try await Client().send("GET", "http://\(api)\(APIPath.peers)")
        let peers = try JSONDecoder().decode(Listing<PeerListing>.self, from: Data(answer.body)).items
        return try #require(peers.first { $0.address == "http://\(pieces)" })
    }
}

extension Daemon {
    fileprivate func sent() async throws -> Double {
        try await MetricsSnapshot.of(health).value("darter_sent_bytes_total") ?? 0
    }
}

extension [Int] {
    fileprivate func asyncMap<Value>(_ transform: (Int) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
