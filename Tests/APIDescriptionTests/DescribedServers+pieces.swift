import Content
import Foundation
import PieceServer
import Testing
import WireAPI

@testable import SupernodeService

/// Calls of piece servers.
extension DescribedServers {
    func checkPieces() async throws {
        let peer = try await register()
        let join = TaskRegistrationRequest(url: try resource(Self.url))
        let task = try await call(
            try DescribedCall("POST", APIPath.tasks(of: peer.id), key: peer.key, json: join),
            at: api,
            as: TaskRegistrationResponse.self
        )
        let (piece, ticket) = try await assignment(to: peer, task)
        // What a supernode assigns can be had there with the ticket that comes along.
        try await call(
            DescribedCall(
                "GET",
                APIPath.piece(task.task, task.generation, piece),
                ["Darter-Ticket": ticket]
            ),
            at: supernodePieces
        )
        let node = try #require(supernode.peers.all.first { $0.name == "node" })
        try await checkPieces(task, at: supernodePieces, as: supernode.seed.id, supernode.seed.key)
        try await checkPieces(task, at: nodePieces, as: node.id, node.key)
        let opening = APIPath.opening(task.task, task.generation)
        try await call(DescribedCall("GET", opening, ["Darter-Ticket": ticket]), at: supernodePieces)
    }

    /// The first piece of the supernode's that it assigns.
    private func assignment(
        to peer: DescribedPeer,
        _ task: TaskRegistrationResponse
    ) async throws -> (PieceIndex, String) {
        for sequence in UInt64(1)...20 {
            let report = TaskReport(task: task.task, generation: task.generation, window: 8)
            let news = try await call(
                try DescribedCall(
                    "POST",
                    APIPath.exchange(peer.id),
                    key: peer.key,
                    json: ExchangeRequest(sequence: sequence, open: [], waitMilliseconds: 1000, tasks: [report])
                ),
                at: api,
                as: ExchangeResponse.self
            )
            for update in news.tasks {
                for assignment in update.assignments {
                    for parent in assignment.parents.map({ update.parents[$0] }) where parent.url.isEmpty {
                        return (assignment.piece, parent.ticket)
                    }
                }
            }
        }
        throw WireError(.internalError, "no piece was assigned")
    }

    private func checkPieces(
        _ known: TaskRegistrationResponse,
        at listener: ServedListener,
        as parent: PeerID,
        _ key: PeerKey
    ) async throws {
        func ticket(_ task: TaskID, _ generation: Generation) -> HeaderFields {
            let expiry = Int64(Date().timeIntervalSince1970) + 60
            let peer = PeerID()
            let ticket = Ticket(
                task: task,
                generation: generation,
                parent: parent,
                peer: peer,
                expiry: expiry,
                key: key
            )
            return ["Darter-Ticket": ticket.description]
        }
        let (task, generation) = (known.task, known.generation)
        let own = ticket(task, generation)
        let (otherTask, other) = (TaskID(url: "other"), Generation(length: 1, validator: "other"))
        let first = APIPath.piece(task, generation, PieceIndex(0))
        func ranged(_ range: String) -> HeaderFields {
            HeaderFields(own.map { ($0.name, $0.value) } + [("Range", range)])
        }
        for call in [
            DescribedCall("GET", APIPath.pieces(task, generation), own),
            DescribedCall("GET", first, own),
            DescribedCall("GET", first, ranged("bytes=5-9"), status: 206),
            DescribedCall("GET", first, ranged("bytes=99999999-"), status: 416),
            DescribedCall(
                "GET",
                APIPath.piece(task, generation, PieceIndex(99)),
                own,
                status: 404,
                code: "piece_not_held"
            ),
            DescribedCall("GET", APIPath.pieces(task, generation) + "/x", own, status: 400, code: "invalid_request"),
        ] { try await self.call(call, at: listener) }
        for (pieces, status, code, ticket) in [
            (APIPath.pieces(task, generation), 403, "bad_ticket", [:]),
            (APIPath.pieces(task, other), 409, "generation_mismatch", ticket(task, other)),
            (APIPath.pieces(otherTask, other), 404, "unknown_task", ticket(otherTask, other)),
            ("\(APIPath.tasks)/x/y/pieces", 400, "invalid_request", own),
        ] as [(String, Int, String, HeaderFields)] {
            try await call(DescribedCall("GET", pieces, ticket, status: status, code: code), at: listener)
            try await call(DescribedCall("GET", pieces + "/0", ticket, status: status, code: code), at: listener)
            let opening = pieces.dropLast("pieces".count) + "opening"
            try await call(DescribedCall("GET", "\(opening)", ticket, status: status, code: code), at: listener)
        }
    }
}
