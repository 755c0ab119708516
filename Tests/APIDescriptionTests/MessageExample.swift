import Content
import Foundation
import NodeControl
import Testing
import WireAPI

/// A message of the APIs in which everything is filled in.
struct MessageExample: Sendable, CustomTestStringConvertible {
    /// The name of its schema.
    let schema: String
    let value: any Codable & Sendable

    init(_ schema: String, _ value: any Codable & Sendable) {
        self.schema = schema
        self.value = value
    }

    var testDescription: String { schema }

    var json: JSONValue { get throws { try JSONValue(encoding: value) } }

    /// What comes of JSON that is read as this message and written again.
    func reread(_ json: JSONValue) throws -> JSONValue {
        func reread<Message: Codable>(_ message: Message) throws -> JSONValue {
            try JSONValue(encoding: JSONDecoder().decode(Message.self, from: JSONEncoder().encode(json)))
        }
        return try reread(value)
    }

    /// The properties that the example leaves out.
    var unfilled: [String] { Self.unfilled(value, schema) }

    private static func unfilled(_ value: Any, _ place: String) -> [String] {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional {
            return mirror.children.first.map { unfilled($0.value, place) } ?? [place]
        }
        let isOurs = ["WireAPI.", "NodeControl."].contains { String(reflecting: type(of: value)).hasPrefix($0) }
        guard isOurs || mirror.displayStyle == .collection else { return [] }
        return mirror.children.flatMap { unfilled($0.value, "\(place).\($0.label ?? "")") }
    }
}

extension MessageExample {
    /// All messages; those within others are not listed by themselves.
    static let all: [MessageExample] =
        [
            MessageExample("ErrorBody", WireErrorBody(error)),
            MessageExample(
                "PeerRegistrationRequest",
                PeerRegistrationRequest(
                    port: 65002,
                    address: "192.0.2.1",
                    name: "host/dfdaemon",
                    labels: ["zone": "a"],
                    uploadSlots: 4,
                    tls: true
                )
            ),
            MessageExample(
                "PeerRegistrationResponse",
                PeerRegistrationResponse(
                    version: 1,
                    peer: peer,
                    key: String(repeating: "0f", count: 32),
                    supernode: PeerID(),
                    piecesPort: 8001,
                    piecesTLS: true,
                    aliveSeconds: 60,
                    address: "192.0.2.1"
                )
            ),
            MessageExample(
                "TaskRegistrationRequest",
                TaskRegistrationRequest(
                    url: url,
                    digest: digest,
                    tag: "tag",
                    ignoredQuery: ["token"],
                    headers: ["Accept": "text/plain"],
                    credentials: ["Authorization": "Basic dTpw"],
                    pattern: .cdn,
                    offersOnly: true,
                    asSharedCache: true,
                    freshness: FreshnessDemand(lifetime: 1.5, maxAge: 2)
                )
            ),
            MessageExample(
                "TaskRegistrationResponse",
                TaskRegistrationResponse(
                    task: task,
                    generation: generation,
                    length: 1 << 40,
                    pieceSize: 1 << 20,
                    manifest: manifest,
                    digest: digest,
                    entityTag: "\"a\"",
                    lastModified: "Sun, 06 Nov 1994 08:49:37 GMT",
                    headers: ["Content-Type": "text/plain"],
                    freshFor: 1.5,
                    age: 2,
                    openingTicket: ticket
                )
            ),
            MessageExample("HeadResponse", head),
            MessageExample(
                "ExchangeRequest",
                ExchangeRequest(sequence: 7, open: [6], waitMilliseconds: 1, tasks: [report])
            ),
            MessageExample("ExchangeResponse", ExchangeResponse(sequence: 7, tasks: [update])),
            MessageExample("TaskList", Listing([taskListing])),
            MessageExample(
                "PeerList",
                Listing([
                    PeerListing(
                        peer: peer,
                        name: "host/dfdaemon",
                        address: "192.0.2.1:65002",
                        labels: ["zone": "a"],
                        uploadSlots: 4,
                        tasks: 2,
                        silentSeconds: 0.25,
                        state: .quarantined,
                        quarantineSeconds: 30,
                        blockReason: "wrong bytes",
                        complaints: [ComplaintListing(reason: .wrongBytes, times: 3, addresses: 2)],
                        slowTasks: 1
                    )
                ])
            ),
            MessageExample("BlockRequest", BlockRequest(reason: "wrong bytes")),
            MessageExample(
                "BlockList",
                Listing([
                    BlockListing(address: "[2001:db8::1]:65002", reason: "wrong bytes", seconds: 1.5, peers: [peer])
                ])
            ),
            MessageExample("PutResponse", PutResponse(digest: digest, length: 7)),
            MessageExample("Holdings", Holdings(length: 7, pieceSize: 1 << 20, pieces: [0, 9])),
            MessageExample("NodeDescription", NodeDescription(name: "dfdaemon", version: "1.2.3", pid: 7)),
            MessageExample(
                "NodeDownloadRequest",
                NodeDownloadRequest(
                    url: url,
                    digest: digest,
                    tag: "tag",
                    ignoredQuery: ["token"],
                    headers: ["Accept": "text/plain"],
                    credentials: ["Authorization": "Basic dTpw"],
                    pattern: .source,
                    notBackToSource: true,
                    limit: 1 << 20
                )
            ),
            MessageExample(
                "NodeDownloadStatus",
                NodeDownloadStatus(
                    from: ByteOrigins(origin: 1, supernode: 2, peers: 3, cache: 4),
                    bytes: 10,
                    length: 11,
                    ended: true,
                    error: error
                )
            ),
        ] + lookups.map { MessageExample("HeadRequest", $0) }

    private static let lookups = [url].compactMap { $0 }.map { url in
        HeadRequest(url: url, headers: ["Accept": "text/plain"], credentials: ["Authorization": "Basic dTpw"])
    }

    private static let url = ResourceURL("https://origin.test/file?token=1")
    private static let digest = Digest.of("content")
    private static let task = TaskID(content: digest)
    private static let generation = Generation(content: digest)
    private static let peer = PeerID()
    private static let ticket = "1.\(peer).\(PeerID()).1700000000.\(digest.hex)"
    private static let manifest = ManifestEntries([PieceIndex(0): Digest.of("0"), PieceIndex(9): Digest.of("9")])
    private static let error = WireError(.originUnauthorized, "who are you?", detail: ["challenge": "Basic"])
        .advising("say who you are")

    private static var head: HeadResponse {
        var freshness = HeadResponse.Freshness()
        freshness.maxAgeSeconds = 1.5
        freshness.noStore = true
        freshness.noCache = true
        freshness.mustRevalidate = true
        freshness.isPrivate = true
        freshness.isImmutable = true
        var head = HeadResponse(headers: ["Content-Type": "text/plain"], freshness: freshness)
        head.length = 7
        head.digest = digest
        head.entityTag = "\"a\""
        head.lastModified = "Sun, 06 Nov 1994 08:49:37 GMT"
        head.lastModifiedIsStrong = true
        head.acceptsRanges = true
        head.vary = ["accept"]
        return head
    }

    private static var report: TaskReport {
        TaskReport(
            task: task,
            generation: generation,
            finished: [TaskReport.FinishedPiece(piece: PieceIndex(0), parent: peer, body: 1000, queued: 10)],
            failed: [TaskReport.FailedPiece(piece: PieceIndex(1), parent: peer, reason: .timedOut)],
            outstanding: [2, 3],
            ending: [2],
            late: [3],
            window: 4,
            reader: PieceIndex(2),
            wanted: [2, 3],
            holds: [0],
            leaving: true
        )
    }

    private static var update: TaskUpdate {
        var update = TaskUpdate(task: task, generation: generation, state: .failed)
        update.error = error
        update.length = 7
        update.digest = digest
        update.manifest = manifest
        update.parents = [TaskUpdate.Parent(peer: peer, url: "http://192.0.2.1:65002", ticket: ticket)]
        update.assignments = [TaskUpdate.Assignment(piece: PieceIndex(4), digest: digest, parents: [0])]
        update.cancelled = [PieceIndex(3)]
        return update
    }

    private static var taskListing: TaskListing {
        var listing = TaskListing(task: task, state: "failed")
        listing.generation = generation
        listing.url = "https://origin.test/file"
        listing.digest = digest
        listing.error = error
        listing.length = 7
        listing.pieceSize = 1 << 20
        listing.pieces = 1
        return listing
    }
}
