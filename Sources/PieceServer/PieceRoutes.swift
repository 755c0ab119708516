import CacheStore
import Content
package import HTTPService
import HTTPTypes
package import Hummingbird
import Metrics
package import RateLimiting
import WireAPI

/// The piece server: committed pieces to whoever has a ticket for them.
package struct PieceRoutes: Sendable {
    private let source: any PieceSource
    private let limits: NodeLimits
    private let slots: UploadSlots?
    private let now: @Sendable () -> Double
    private let sent = Counter(label: "darter_sent_bytes_total")

    /// `limits`: the rates that uploads keep; `slots`: limits how many there are at once.
    ///
    /// `now`: seconds since 1970, for the expiry of tickets.
    package init(
        source: any PieceSource,
        limits: NodeLimits = .unlimited,
        slots: UploadSlots? = nil,
        now: @escaping @Sendable () -> Double
    ) {
        self.source = source
        self.limits = limits
        self.slots = slots
        self.now = now
        // The count begins here, so that the first bytes are an increase.
        sent.increment(by: 0)
    }

    /// Adds `GET /api/v1/tasks/{task}/{generation}/pieces`, `.../pieces/{index}` and `.../opening`.
    package func add(to router: Router<ServiceRequestContext>) {
        router.get("/api/v1/tasks/:task/:generation/pieces/:piece") { request, context in
            try await Self.answer { try await piece(request, context) }
        }
        router.get("/api/v1/tasks/:task/:generation/pieces") { request, context in
            try await Self.answer { try holdings(request, context) }
        }
        router.get("/api/v1/tasks/:task/:generation/opening") { request, context in
            try await Self.answer { try await opening(request, context) }
        }
    }

    private static func answer(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let error as WireError {
            return Response.json(WireErrorBody(error), status: .init(code: error.code.status))
        }
    }

    private func piece(_ request: Request, _ context: ServiceRequestContext) async throws -> Response {
        let (task, file) = try permitted(request, context)
        guard let piece = context.parameters.get("piece").flatMap({ PieceIndex($0) }) else {
            throw WireError(.invalidRequest, "not a piece number")
        }
        guard let range = file.layout.range(of: piece), file.committed.contains(piece), source.mayServe(piece, of: task)
        else {
            throw WireError(.pieceNotHeld, "piece \(piece) is not held here")
        }
        var status = HTTPResponse.Status.ok
        var headers: HTTPFields = [.contentType: "application/octet-stream", .acceptRanges: "bytes"]
        var bytes = range
        if let header = request.headers[.range].flatMap({ RangeHeader($0) }) {
            switch header.resolve(length: range.count) {
            case .unsatisfiable:
                headers[.contentRange] = ContentRange(range: nil, length: range.count).description
                return Response(status: .rangeNotSatisfiable, headers: headers)
            case .partial(let part):
                status = .partialContent
                headers[.contentRange] = ContentRange(range: part, length: range.count).description
                bytes = ByteRange(range.offset + part.offset..<range.offset + part.end)
            }
        }
        let arrival = ContinuousClock.now
        let slot = try await slots?.slot(for: task)
        if let name = HTTPField.Name(QueueTiming.field) {
            headers[name] = QueueTiming.value(arrival.duration(to: .now))
        }
        context.fitSendBuffer()
        let slice = FileSlice(descriptor: file.descriptor, range: bytes, owner: file)
        return Response.file(slice, status: status, headers: headers, limits: limits.uploads(of: task)) { report in
            slot?.release()
            sent.increment(by: report.bytes)
        }
    }

    /// Waits for the first bytes; the client is gone once the first piece has come to it.
    private func opening(_ request: Request, _ context: ServiceRequestContext) async throws -> Response {
        let (task, file) = try permitted(request, context)
        guard source.servesOpenings, Opening.exists(in: file.layout) else {
            throw WireError(.pieceNotHeld, "the content's first bytes come with its first piece")
        }
        do throws(StoreError) {
            _ = try await file.arrival(from: 0, early: Opening.byteCount)
        } catch {
            throw WireError(.pieceNotHeld, error.message)
        }
        let slice = FileSlice(descriptor: file.descriptor, range: ByteRange(length: Opening.byteCount), owner: file)
        return Response.file(slice, limits: limits.uploads(of: task)) { report in
            sent.increment(by: report.bytes)
        }
    }

    private func holdings(_ request: Request, _ context: ServiceRequestContext) throws -> Response {
        let (_, file) = try permitted(request, context)
        let layout = file.layout
        return .json(Holdings(length: layout.length, pieceSize: layout.pieceSize, pieces: file.committed))
    }

    /// The file that the request's ticket is for.
    private func permitted(_ request: Request, _ context: ServiceRequestContext) throws -> (TaskID, PieceFile) {
        guard let task = context.parameters.get("task").flatMap({ TaskID($0) }),
            let generation = context.parameters.get("generation").flatMap({ Generation($0) })
        else { throw WireError(.invalidRequest, "not a task and a generation") }
        // Without a ticket nobody learns what is here.
        guard let name = HTTPField.Name(APIField.ticket), let ticket = request.headers[name].flatMap({ Ticket($0) }),
            let key = source.key(of: ticket.parent),
            ticket.isValid(task: task, generation: generation, key: key, now: Int64(now()))
        else { throw WireError(.badTicket, "the ticket is missing, wrong or expired") }
        guard let content = source.content(of: task) else {
            throw WireError(.unknownTask, "no such task here")
        }
        guard content.generation == generation else {
            throw WireError(
                .generationMismatch,
                "the task is at another generation here",
                detail: ["generation": content.generation.description]
            )
        }
        return (task, content.file)
    }
}
