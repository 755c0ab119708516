import CacheStore
import Content
import HTTPService
import HTTPTypes
import Hummingbird
import OriginFetch
import PeerEngine
import WireAPI

/// The answer that carries a download's content, in order and as it arrives.
struct ContentAnswer {
    private let lease: DownloadLease
    private let head: TaskDownload.Head
    private let id: PeerID
    private let ended: @Sendable (PeerID) -> Void

    /// `ended` is called when the body has ended, well or not.
    init(
        _ lease: DownloadLease,
        _ head: TaskDownload.Head,
        id: PeerID,
        ended: @escaping @Sendable (PeerID) -> Void
    ) {
        self.lease = lease
        self.head = head
        self.id = id
        self.ended = ended
    }

    /// 200, 206 or 416; a range can be had where the length is known, and with `If-Range` only of the same generation.
    func response(to request: Request) -> Response {
        guard let length = head.length else {
            return Response(status: .ok, headers: fields, body: body(from: 0, to: nil))
        }
        let tag = EntityTag(parsing: "\"\(head.file.generation)\"")
        // The body of a POST says what is wanted: what is asked for in its place is content like any other.
        return Representation(length: length, entityTag: tag).response(to: request, fields) { range in
            body(from: range.offset, to: range.end)
        } unanswered: {
            ended(id)
        }
    }

    private var fields: HTTPFields {
        var fields: HTTPFields = [:]
        for field in head.record.headers where !Self.own.contains(field.name.lowercased()) {
            guard let name = HTTPField.Name(field.name) else { continue }
            fields.append(HTTPField(name: name, value: field.value))
        }
        fields[.eTag] = "\"\(head.file.generation)\""
        let own = [
            (NodeField.download, id.description), (NodeField.task, lease.download.taskID.description),
            (NodeField.generation, head.file.generation.description),
            (NodeField.pieceSize, String(head.file.layout.pieceSize)),
            (NodeField.digest, head.record.digest?.description ?? ""),
        ]
        for (name, value) in own where !value.isEmpty {
            guard let name = HTTPField.Name(name) else { continue }
            fields[name] = value
        }
        return fields
    }

    /// Fields of the origin's answer that this one has its own of.
    private static let own: Set<String> = [
        "accept-ranges", "connection", "content-length", "content-range", "date", "etag", "keep-alive",
        "transfer-encoding",
    ]

    private func body(from start: Int64, to end: Int64?) -> ResponseBody {
        let (lease, file, id, ended) = (lease, head.file, id, ended)
        return .stream(length: end.map { $0 - start }) { stream in
            defer {
                ended(id)
                lease.release()
            }
            let isPart = end.map { $0 < file.layout.length ?? .max } ?? false
            try await Self.send(file, from: start, to: isPart ? end : nil, lease, to: stream)
        }
    }

    /// Sends the bytes from `start` on; to the content's end where `end` is nil.
    ///
    /// The content's last byte waits until all of it is verified: no client takes wrong content for complete.
    private static func send(
        _ file: PieceFile,
        from start: Int64,
        to end: Int64?,
        _ lease: DownloadLease,
        to stream: BodyStream
    ) async throws {
        var sent = start
        var known = start
        func send(upTo limit: Int64) async throws {
            guard limit > sent else { return }
            let slice = FileSlice(descriptor: file.descriptor, range: ByteRange(sent..<limit), owner: file)
            try await stream.write(slice)
            sent = limit
        }
        while known < end ?? .max {
            lease.download.reading(at: known)
            let run = try await file.available(from: known)
            guard !run.isEmpty else {
                _ = try await lease.whileWanted { download throws(DownloadError) in try await download.completion() }
                try await send(upTo: known)
                return
            }
            known = min(run.end, end ?? .max)
            try await send(upTo: end == nil ? known - 1 : known)
        }
    }
}

extension Representation {
    /// `unanswered` is called where the answer has no body.
    fileprivate func response(
        to request: Request,
        _ content: HTTPFields,
        body: (ByteRange) -> ResponseBody,
        unanswered: () -> Void
    ) -> Response {
        let answer = self.answer(to: .get, request.headers)
        var fields = content
        for field in headers(for: answer) { fields[field.name] = field.value }
        switch answer {
        case .whole: return Response(status: .ok, headers: fields, body: body(ByteRange(length: length)))
        case .partial(let range): return Response(status: .partialContent, headers: fields, body: body(range))
        case .rangeNotSatisfiable:
            unanswered()
            return Response(status: .rangeNotSatisfiable, headers: headers(for: answer))
        case .notModified, .preconditionFailed:
            unanswered()
            return Response(status: answer == .notModified ? .notModified : .preconditionFailed, headers: fields)
        }
    }
}
