import BackendAPI
import CacheStore
import Content
import HTTPService
import HTTPTypes
import Hummingbird
import OriginFetch
import PeerEngine
import WireAPI

/// Answers requests for blobs from the swarm, streamed while they arrive.
struct BlobResponder: Sendable {
    let engine: PeerEngine

    /// Answers a GET of the blob `digest` at `url`.
    ///
    /// Throws where the swarm can not help and nothing has been sent: the request is then to be passed on, so that
    /// the client sees the registry's own answer.
    func respond(
        to request: Request,
        context: ServiceRequestContext,
        url: ResourceURL,
        digest: Digest,
        credentials: Credentials
    ) async throws(DownloadError) -> Response {
        let download = try await engine.download(
            DownloadRequest(resource: Resource(url: url, digest: digest), credentials: credentials)
        )
        let reading = Reading(download)
        let head = try await download.head()
        try await waitForFirstByte(of: head, download, request)
        var headers: HTTPFields = [:]
        for field in head.record.headers {
            guard let name = HTTPField.Name(field.name), name != .eTag, name != .lastModified else { continue }
            headers.append(HTTPField(name: name, value: field.value))
        }
        headers[.contentType] = headers[.contentType] ?? "application/octet-stream"
        if let name = HTTPField.Name("Docker-Content-Digest") { headers[name] = digest.description }
        guard let length = head.length else {
            return Response(status: .ok, headers: headers, body: Self.body(reading, head, nil))
        }
        let representation = Representation(length: length, entityTag: EntityTag(parsing: "\"\(digest)\""))
        return Response.representation(representation, to: request, content: headers) { range in
            Self.body(reading, head, range)
        }
    }

    /// What fails before there is anything to send can still be passed on to the registry.
    private func waitForFirstByte(
        of head: TaskDownload.Head,
        _ download: TaskDownload,
        _ request: Request
    ) async throws(DownloadError) {
        if head.length == 0 { return }
        var offset: Int64 = 0
        if let length = head.length, let range = request.headers[.range].flatMap({ RangeHeader($0) }) {
            guard case .partial(let part) = range.resolve(length: length) else { return }
            offset = part.offset
        }
        download.reading(at: offset)
        do throws(StoreError) {
            _ = try await head.file.available(from: offset)
        } catch {
            throw DownloadError(error)
        }
    }

    private static func body(_ reading: Reading, _ head: TaskDownload.Head, _ range: ByteRange?) -> ResponseBody {
        .stream(length: range?.count) { stream in
            try await reading.download.read(head, range) { bytes in
                try await stream.write(FileSlice(descriptor: head.file.descriptor, range: bytes, owner: head.file))
            }
        }
    }
}

/// A client that reads; when nobody holds it any longer, the download knows.
private final class Reading: Sendable {
    let download: TaskDownload

    init(_ download: TaskDownload) { self.download = download }

    deinit { download.release() }
}
