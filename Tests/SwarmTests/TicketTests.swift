import BackendAPI
import Content
import CurlTransport
import HTTPService
import Logging
import OriginFetch
import PieceServer
import RateLimiting
import TestSupport
import Testing
import WireAPI

@testable import DownloadTool
@testable import PeerEngine
@testable import SupernodeService

/// No ticket, no piece: whoever has the pieces.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TicketTests {
    enum Holder: CaseIterable {
        case supernode
        case daemon
        /// What a finished dfget leaves behind.
        case output
    }

    @Test(
        "First bytes that nobody has verified come from a supernode only, and with a ticket",
        arguments: Holder.allCases
    )
    func opening(holder: Holder) async throws {
        try await withContent(of: holder) { swarm, held, bytes, server in
            let generation = try #require(held.generation)
            let node = holder == .supernode ? nil : swarm.nodes[0]
            let expiry = swarm.time.date + 60
            let ticket = try swarm.supernodes[0].ticket(held.taskID, generation, for: node, expiry: expiry)
            for presented in [nil, "\(ticket)"] {
                var request = TransferRequest(url: server + APIPath.opening(held.taskID, generation))
                request.options = .loopback
                if let presented { request.headers[APIField.ticket] = presented }
                let response = try await swarm.transport.send(request, limit: 1 << 20)
                let isGiven = presented != nil && holder == .supernode
                #expect((response.head.status == 200) == isGiven)
                #expect((response.body == Array(bytes[..<Int(Opening.byteCount)])) == isGiven)
            }
        }
    }

    /// Content that a supernode and a node have, and the URL of the piece server of `holder`.
    private func withContent(
        of holder: Holder,
        _ body: (_ swarm: Swarm, _ held: TaskDownload, _ bytes: [UInt8], _ server: String) async throws -> Void
    ) async throws {
        try await withSwarm { swarm in
            let bytes = randomBytes(600_000, seed: 1)
            let download = try await swarm.nodes[0].download(try swarm.put(bytes))
            _ = try await download.completion()
            switch holder {
            case .supernode: try await body(swarm, download, bytes, swarm.supernodes[0].pieces)
            case .daemon: try await body(swarm, download, bytes, swarm.nodes[0].pieces)
            case .output:
                let listener = HTTPListener.pieces(
                    of: swarm.nodes[0].engine,
                    ListenerConfiguration(address: ListenAddress(.tcp(host: "127.0.0.1", port: 0))),
                    slots: 2,
                    limits: .unlimited,
                    activity: Activity(),
                    logger: quiet
                )
                let server = RunningServices([listener])
                try await body(swarm, download, bytes, "http://127.0.0.1:\(try await listener.bound().port ?? 0)")
                await server.kill()
            }
        }
    }

    @Test("Only a ticket of this parent, for this content, in its time, gets a piece", arguments: Holder.allCases)
    func noTicketNoPiece(holder: Holder) async throws {
        try await withContent(of: holder) { swarm, held, bytes, server in
            let supernode = swarm.supernodes[0]
            let node = holder == .supernode ? nil : swarm.nodes[0]
            let other = try await swarm.nodes[0].download(try swarm.put(randomBytes(600_000, seed: 2), at: "/other"))
            _ = try await other.completion()
            let (task, generation) = (held.taskID, try #require(held.generation))
            func ticket(_ task: TaskID, _ generation: Generation, lasting seconds: Double = 60) throws -> Ticket {
                try supernode.ticket(task, generation, for: node, expiry: swarm.time.date + seconds)
            }
            func get(_ ticket: String?) async throws -> (status: Int, body: [UInt8]) {
                try await swarm.piece(1, of: task, generation, at: server, ticket: ticket)
            }
            let good = try ticket(task, generation).description
            let piece = try await get(good)
            #expect(piece.status == 200)
            #expect(piece.body.elementsEqual(bytes[262_144..<524_288]))

            var bad: [String?] = [nil, "", "1.2.3", try ticket(task, generation, lasting: -1).description]
            // For other content, or another version of it.
            bad.append(try ticket(other.taskID, try #require(other.generation)).description)
            bad.append(try ticket(task, Generation(length: 600_000, validator: "\"old\"")).description)
            // Of another parent.
            let stranger = try supernode.ticket(
                task,
                generation,
                for: node == nil ? swarm.nodes[0] : nil,
                expiry: swarm.time.date + 60
            )
            bad.append(stranger.description)
            // In this parent's name, but not with its key.
            let parent = try ticket(task, generation).parent
            let expiry = Int64(swarm.time.date + 60)
            bad.append(
                "\(Ticket(task: task, generation: generation, parent: parent, peer: PeerID(), expiry: expiry, key: PeerKey()))"
            )
            // Altered: every field, one after the other.
            let fields = good.split(separator: ".").map(String.init)
            for index in fields.indices {
                var altered = fields
                altered[index] = fields[index].dropLast() + (fields[index].hasSuffix("1") ? "2" : "1")
                bad.append(altered.joined(separator: "."))
            }
            for ticket in bad {
                let answer = try await get(ticket)
                #expect(answer.status == 403, "\(ticket ?? "no ticket")")
                #expect(answer.body.count < 1000)
            }
            // The one of dfget goes by the machine's clock.
            guard holder != .output else { return }
            swarm.time.pass(61)
            #expect(try await get(good).status == 403)
        }
    }

    @Test("A download whose tickets have expired gets fresh ones and goes on")
    func expiredMeanwhile() async throws {
        try await withSwarm { swarm in
            let bytes = randomBytes(5 << 20, seed: 3)
            let resource = try swarm.put(bytes)
            swarm.time.passBeforeTheNextTicket(2 * 3600)
            let download = try await swarm.nodes[0].download(resource)
            #expect(try await content(of: download).elementsEqual(bytes))
            #expect(!swarm.time.waitsForATicket)
            let from = try await download.completion()
            #expect(from.supernode == 5 << 20)
            #expect(swarm.supernodes[0].origin.memory.bytesSent == 5 << 20)
            #expect(swarm.origin.memory.requests.isEmpty)
        }
    }
}
