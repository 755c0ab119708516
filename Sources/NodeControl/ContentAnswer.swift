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
    private let ended: @Sendable (PeerID, WireError?) -> Void

    /// `ended` is called when the body has ended, well or not: then with the reason, if it is not the client's.
    init(
        _ lease: DownloadLease,
        _ head: TaskDownload.Head,
        id: PeerID,
        ended: @escaping @Sendable (PeerID, WireError?) -> Void
    ) {
        self.lease = lease
        self.head = head
        self.id = id
        self.ended = ended
    }

    /// 200, 206 or 416; a range can be had where the length is known, and with `If-Range` only of the same generation.
    func response(to request: Request) -> Response {
        guard let length = head.length else {
            return Response(status: .ok, headers: fields, body: body(nil))
        }
        let tag = EntityTag(parsing: "\"\(head.file.generation)\"")
        // The body of a POST says what is wanted: what is asked for in its place is content like any other.
        return Representation(length: length, entityTag: tag).response(to: request, fields, body: body) {
            ended(id, nil)
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

    /// Why there is no more content; nil where nobody is left to read it.
    private static func reason(_ error: any Error) -> WireError? {
        switch error {
        case let error as WireError: error
        case let error as StoreError: WireError(error)
        default: nil
        }
    }

    private func body(_ range: ByteRange?) -> ResponseBody {
        let (lease, head, id, ended) = (lease, head, id, ended)
        return .stream(length: range?.count) { stream in
            defer { lease.release() }
            do {
                try await lease.download.read(head, range) { bytes in
                    // Content that has turned out to be wrong is all there, and never given to its end.
                    if bytes.end == head.file.layout.length { _ = try await lease.download.completion() }
                    let slice = FileSlice(descriptor: head.file.descriptor, range: bytes, owner: head.file)
                    try await stream.write(slice)
                }
                ended(id, nil)
            } catch {
                let reason = Self.reason(error)?.atNode
                ended(id, reason)
                // As long as nothing has been sent the answer can still be the reason.
                guard stream.bytesSent == 0, let told = reason else { throw error }
                throw APIError(
                    .init(code: told.code.status),
                    told.code.rawValue,
                    told.message,
                    detail: told.detail
                )
            }
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
