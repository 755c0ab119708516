import Content
import Foundation
import TestSupport
import Testing
import WireAPI

/// Peers that lie, and callers without permission.
@Suite(.serialized) struct HostilePeerTests {
    private let client = Client()

    @Test func piecesFromALyingPeerAreFetchedElsewhere() async throws {
        let origin = BlobOrigin(byteCount: 8 << 20, seed: 31)
        let lied = TestEvent()
        try await withTemporaryDirectory { directory in
            try await withScriptedServer {
                origin.answer($0)
            } body: { registry in
                try await withScriptedServer { request in
                    // The right length, other bytes.
                    guard request.path.contains("/pieces/") else { return .respond(404) }
                    return Script.respond(200, body: [UInt8](repeating: 7, count: 256 << 10)).fire(lied)
                } body: { liar in
                    // The supernode hardly serves anything itself: whoever claims to have pieces is asked.
                    let few = "peers: {seed_slots: 1}\nlimits: {upload: 4MB/s}"
                    try await withCluster(of: 1, registry: registry.url(""), in: directory, supernode: few) {
                        supernode,
                        daemons in
                        let peer = try await FakePeer.register(at: supernode, port: liar.port)
                        let task = try await peer.joined(url: registry.url(origin.path), digest: origin.digest)
                        let report = TaskReport(
                            task: task.task,
                            generation: task.generation,
                            window: 0,
                            holds: PieceSet(all: 32)
                        )
                        _ = try await peer.exchange(report, sequence: 1, wait: .zero)
                        let answer = try await client.send("GET", "http://\(daemons[0].proxy)\(origin.path)")
                        #expect(answer.status == 200)
                        #expect(answer.body.elementsEqual(origin.bytes))
                        #expect(lied.hasFired)
                        #expect(try await daemons[0].received(from: "peer") == 0)
                        try await daemons[0].process.line(containing: "piece transfer failed")
                        // A liar is not asked for every piece.
                        #expect(liar.requests.count < 16)
                    }
                }
            }
        }
    }

    @Test func nobodyGetsAPieceWithoutItsTicket() async throws {
        let origin = BlobOrigin(byteCount: 1 << 20, seed: 32)
        let other = BlobOrigin(byteCount: 1 << 20, seed: 33)
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                request.path == other.path ? other.answer(request) : origin.answer(request)
            } body: { registry in
                try await withCluster(of: 1, registry: registry.url(""), in: directory) { supernode, daemons in
                    for blob in [origin, other] {
                        let answer = try await client.send("GET", "http://\(daemons[0].proxy)\(blob.path)")
                        #expect(answer.body.elementsEqual(blob.bytes))
                    }
                    let peer = try await FakePeer.register(at: supernode, port: 1)
                    let task = try await peer.joined(url: registry.url(origin.path), digest: origin.digest)
                    let report = TaskReport(task: task.task, generation: task.generation, window: 4)
                    let response = try await peer.exchange(report, sequence: 1, wait: .seconds(10))
                    let update = try #require(response.tasks.first)
                    let parents = try #require(update.assignments.first?.parents.map { update.parents[$0] })
                    let piece = try #require(update.assignments.first?.piece)
                    let parent = try #require(parents.first)
                    let server = parent.url.isEmpty ? "http://\(supernode.pieces)" : parent.url
                    let url = server + APIPath.piece(task.task, task.generation, piece)

                    let permitted = try await client.send("GET", url, [APIField.ticket: parent.ticket])
                    #expect(permitted.status == 200)
                    #expect(permitted.digest == update.assignments.first?.digest)

                    let nodes = ["http://\(supernode.pieces)", "http://\(daemons[0].pieces)"]
                    let otherTask = TaskID(content: other.digest)
                    for node in nodes {
                        let path = APIPath.piece(task.task, task.generation, piece)
                        #expect(try await client.send("GET", node + path).status == 403)
                        #expect(
                            try await client.send("GET", node + APIPath.pieces(task.task, task.generation)).status
                                == 403
                        )
                    }
                    for forged in forgeries(of: parent.ticket) {
                        #expect(try await client.send("GET", url, [APIField.ticket: forged]).status == 403, "\(forged)")
                    }
                    // The ticket is good for one task, one generation and one parent.
                    let elsewhere = [
                        server + APIPath.piece(otherTask, Generation(content: other.digest), piece),
                        server + APIPath.piece(task.task, Generation(content: other.digest), piece),
                        (nodes.first { $0 != server } ?? "") + APIPath.piece(task.task, task.generation, piece),
                    ]
                    for url in elsewhere {
                        #expect(
                            try await client.send("GET", url, [APIField.ticket: parent.ticket]).status == 403,
                            "\(url)"
                        )
                    }
                }
            }
        }
    }

    /// Tickets that are almost the right one.
    private func forgeries(of ticket: String) -> [String] {
        let parts = ticket.split(separator: ".").map(String.init)
        var changed: [[String]] = []
        for index in parts.indices {
            var other = parts
            let last = other[index].last ?? "0"
            other[index] = other[index].dropLast() + (last == "1" ? "2" : "1")
            changed.append(other)
        }
        var longer = parts
        longer[3] = "9999999999"
        return (changed + [longer, Array(parts.dropLast()), parts + ["0"]]).map { $0.joined(separator: ".") } + [
            "", "x",
        ]
    }

    @Test func aCallerWithoutTheKeyOfARegistrationCanDoNothingInItsName() async throws {
        try await withTemporaryDirectory { directory in
            try await withCluster(of: 0, registry: "http://127.0.0.1:1", in: directory) { supernode, _ in
                let peer = try await FakePeer.register(at: supernode, port: 1)
                let id = peer.registration.peer
                let calls = [
                    ("POST", APIPath.exchange(id)), ("POST", APIPath.tasks(of: id)), ("DELETE", APIPath.peer(id)),
                ]
                for (method, path) in calls {
                    for key in [nil, "Bearer ", "Bearer \(String(repeating: "0", count: 64))", peer.registration.key] {
                        let headers: HeaderFields = key.map { ["Authorization": $0] } ?? [:]
                        let answer = try await client.send(
                            method,
                            "http://\(supernode.api)\(path)",
                            headers,
                            body: method == "POST" ? Array("{}".utf8) : nil
                        )
                        #expect(answer.status == 401, "\(method) \(path)")
                    }
                }
            }
        }
    }
}
