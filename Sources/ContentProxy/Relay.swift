import Content
import CurlTransport
import HTTPService
import HTTPTypes
import Hummingbird
import OriginFetch
import PeerEngine

/// Passes requests on to an upstream as they are, and its responses back, both streamed.
struct Relay: Sendable {
    let transport: CurlTransport
    let jobs: BackgroundJobs

    /// Fields that speak of one connection only (RFC 9110 §7.6.1), or that each side sets for itself.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "expect", "content-length",
    ]
    /// Fields that are dropped when a redirect leaves the upstream, and that no log sees.
    private static let credentials: Set<String> = ["authorization", "cookie"]

    /// Sends the request to `url` and gives back what comes; an upstream that can not be reached is a 502.
    func pass(_ request: Request, to url: String, options: TransferOptions) async throws -> Response {
        var transfer = TransferRequest(url: url, method: request.method.rawValue, options: options)
        let fields = Self.endToEnd(request.headers)
        transfer.headers = fields.filter { !Self.credentials.contains($0) }
        transfer.credentials = fields.filter { Self.credentials.contains($0) }
        let body = Self.hasBody(request) ? RelayBody() : nil
        if let body {
            transfer.body = .stream(length: request.headers[.contentLength].flatMap { Int64($0) }, body)
        }
        let running = RunningRelay()
        start(transfer, running, body.map { ($0, request.body) })
        let head: TransferHead
        do {
            head = try await running.sink.head()
        } catch {
            throw APIError(.badGateway, "upstream_unavailable", "the upstream can not be reached: \(error.message)")
        }
        return Self.response(head, running, isHead: request.method == .head)
    }

    private func start(_ transfer: TransferRequest, _ running: RunningRelay, _ body: (RelayBody, RequestBody)?) {
        let (sink, cancellation, transport) = (running.sink, running.cancellation, transport)
        jobs.submit {
            let result = await cancellation.run { () async -> Result<Void, TransferError> in
                await withTaskGroup(of: Void.self) { group in
                    if let (source, content) = body { group.addTask { await source.pump(content) } }
                    defer { group.cancelAll() }
                    do throws(TransferError) {
                        _ = try await transport.perform(transfer, into: sink)
                        return .success(())
                    } catch {
                        return .failure(error)
                    }
                }
            }
            sink.finish(result ?? .failure(TransferError(.cancelled, "the client has gone")))
        }
    }

    private static func response(_ head: TransferHead, _ running: RunningRelay, isHead: Bool) -> Response {
        let status = HTTPResponse.Status(code: head.status)
        var headers: HTTPFields = [:]
        let named = Set(head.fields.elements(of: "Connection").map { $0.lowercased() })
        for field in head.fields where !hopByHop.union(named).contains(field.name.lowercased()) {
            guard let name = HTTPField.Name(field.name) else { continue }
            headers.append(HTTPField(name: name, value: field.value))
        }
        if isHead || head.status == 304 || head.status == 204 {
            if head.status != 204 { headers[.contentLength] = head.fields["Content-Length"] }
            return Response(status: status, headers: headers)
        }
        let body = ResponseBody.stream(length: head.contentLength) { stream in
            try await stream.sendHead()
            while let buffer = try await running.sink.next() { try await stream.write(buffer) }
        }
        return Response(status: status, headers: headers, body: body)
    }

    /// The fields that go on, in order, each line of its own.
    static func endToEnd(_ headers: HTTPFields) -> HeaderFields {
        let named = Set(
            headers[values: .connection].flatMap { $0.split(separator: ",") }
                .map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        )
        var fields = HeaderFields()
        for field in headers {
            let name = field.name.canonicalName
            guard !hopByHop.contains(name), !named.contains(name) else { continue }
            fields.append(field.name.rawName, field.value)
        }
        return fields
    }

    private static func hasBody(_ request: Request) -> Bool {
        if let length = request.headers[.contentLength] { return length != "0" }
        return request.headers[.transferEncoding] != nil
    }
}

/// A relayed response under way; when nobody holds it any longer, the transfer ends.
private final class RunningRelay: Sendable {
    let sink = RelaySink()
    let cancellation = Cancellation()

    deinit { cancellation.cancel() }
}
