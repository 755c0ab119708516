import BackendAPI
import CacheStore
import Content
import HTTPService
import HTTPTypes
import Hummingbird
import OriginFetch
import PeerEngine
import WireAPI

/// Answers a request to the proxy with content that is here or on its way, as its origin would (RFC 9111 §4).
struct ForwardContent: Sendable {
    private let reading: ForwardReading
    private let exchange: ForwardExchange
    private let status: CacheStatus

    /// `download` is released when nobody reads from it any longer.
    init(_ download: TaskDownload, _ exchange: ForwardExchange, _ status: CacheStatus) {
        reading = ForwardReading(download)
        self.exchange = exchange
        self.status = status
    }

    /// The answer, once there is a first byte for it.
    ///
    /// Throws where the content can not be had and nothing has been sent.
    func response() async throws(DownloadError) -> Response {
        let head = try await reading.download.head()
        let first = try await firstBytes(of: head)
        let record = head.record
        var response: Response
        // Asked once: the length may become known at any moment.
        if let length = head.length {
            response = Response.representation(
                representation(of: record, length: length),
                to: exchange.request,
                content: fields(of: record)
            ) { range in
                body(head, range, first)
            }
        } else {
            response = unsized(head, first)
        }
        if let name = HTTPField.Name("Via") {
            response.headers.append(HTTPField(name: name, value: exchange.via.value()))
        }
        exchange.add(status, to: &response)
        return response
    }

    /// The origin's own fields, and how old they are.
    private func fields(of record: OriginRecord) -> HTTPFields {
        var headers = HTTPFields(describing: record)
        let now = UnixTime.now()
        // A supernode may have said anything.
        if let age = record.age(at: now).map({ min($0, Double(1 << 31)) }) {
            // RFC 9110 §6.6.1: whoever keeps an answer without a date says when it came.
            if headers[.date] == nil { headers[.date] = HTTPDate(seconds: Int64(now - age)).description }
            // RFC 9111 §5.1: its presence says that the origin was not asked for this very request.
            if status.isHit || age >= 1 { headers[.age] = "\(Int64(age))" }
        }
        return headers
    }

    /// Content whose end is not known yet answers conditions, but no ranges.
    private func unsized(_ head: TaskDownload.Head, _ first: FirstBytes?) -> Response {
        let (request, record) = (exchange.request.setting(.range, nil), head.record)
        let representation = representation(of: record, length: 0)
        var headers = fields(of: record)
        guard representation.answer(to: request.method, request.headers) == .whole else {
            return Response.representation(representation, to: request, content: headers) { _ in ResponseBody() }
        }
        headers[.eTag] = record.validators.entityTag
        headers[.lastModified] = record.validators.lastModified
        return Response(status: .ok, headers: headers, body: body(head, nil, first))
    }

    private func representation(of record: OriginRecord, length: Int64) -> Representation {
        Representation(
            length: length,
            entityTag: record.validators.entityTag.flatMap { EntityTag(parsing: $0) },
            lastModified: record.validators.lastModified
        )
    }

    /// What the body begins with; nil: it has none.
    ///
    /// What fails before there is anything to send can still be had from the origin.
    private func firstBytes(of head: TaskDownload.Head) async throws(DownloadError) -> FirstBytes? {
        let request = exchange.request
        var range: ByteRange?
        if let length = head.length {
            switch representation(of: head.record, length: length).answer(to: request.method, request.headers) {
            case .whole: range = ByteRange(length: length)
            case .partial(let part): range = part
            case .notModified, .preconditionFailed, .rangeNotSatisfiable: return nil
            }
        }
        guard request.method == .get, range?.isEmpty != true else { return nil }
        do {
            return FirstBytes(range: range, arrival: try await ForwardBody(reading.download, head, range).next())
        } catch {
            throw BlobResponder.downloadError(error)
        }
    }

    private func body(_ head: TaskDownload.Head, _ range: ByteRange?, _ first: FirstBytes?) -> ResponseBody {
        .stream(length: range?.count) { [reading, exchange] stream in
            defer { exchange.context.notes.set(reading.download.progress.origins) }
            var body = ForwardBody(reading.download, head, range)
            // The length, and with it the range, may have become known since.
            try await body.send(first?.range == range ? first?.arrival : nil, to: stream)
        }
    }
}

/// What came first of a range, or of all.
private struct FirstBytes: Sendable {
    let range: ByteRange?
    let arrival: Arrival
}

/// A client that reads; when nobody holds it any longer, the download knows.
private final class ForwardReading: Sendable {
    let download: TaskDownload

    init(_ download: TaskDownload) { self.download = download }

    deinit { download.release() }
}
