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
    /// What a proxy adds to messages in both directions; nil: nothing.
    var via: Via?

    /// Fields that speak of one connection only (RFC 9110 §7.6.1), or that each side sets for itself.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
        "transfer-encoding", "upgrade", "host", "expect", "content-length",
    ]
    /// Fields that are dropped when a redirect leaves the upstream, and that no log sees.
    private static let credentials: Set<String> = ["authorization", "cookie"]

    /// Whose right a request goes on with.
    enum Authorization: Sendable {
        /// What the client sent.
        case clients
        /// This, or nothing.
        case replaced(String?)
    }

    /// Sends the request to `url` and gives back what comes; an upstream that can not be reached is a 502.
    ///
    /// `context`: knows the fields behind the request's body.
    func pass(
        _ request: Request,
        to url: String,
        options: TransferOptions,
        authorization: Authorization = .clients,
        context: ServiceRequestContext? = nil
    ) async throws -> Response {
        var transfer = TransferRequest(url: url, method: request.method.rawValue, options: options)
        var fields = Self.endToEnd(request.headers)
        if case .replaced(let value) = authorization { fields["Authorization"] = value }
        if let via { Self.add(via, to: &fields, of: request) }
        transfer.headers = fields.filter { !Self.credentials.contains($0) }
        transfer.credentials = fields.filter { Self.credentials.contains($0) }
        let body = Self.hasBody(request) ? RelayBody() : nil
        if let body {
            transfer.body = .stream(length: request.headers[.contentLength].flatMap { Int64($0) }, body)
        }
        let running = RunningRelay()
        start(transfer, running, body.map { ($0, request.body) }, context)
        let head: TransferHead
        do {
            head = try await running.sink.head()
        } catch {
            throw APIError(upstream: error)
        }
        var response = Self.response(head, running, isHead: request.method == .head)
        if let via, let name = HTTPField.Name("Via") {
            response.headers.append(HTTPField(name: name, value: via.value(version: head.httpVersion)))
        }
        return response
    }

    /// A proxy's own fields: where the message came through, and that trailers are welcome where they are to the client.
    private static func add(_ via: Via, to fields: inout HeaderFields, of request: Request) {
        fields.append("Via", via.value())
        guard let te = HTTPField.Name("TE"),
            request.headers[values: te].contains(where: { $0.lowercased().contains("trailers") })
        else { return }
        fields.append("TE", "trailers")
        fields.append("Connection", "TE")
    }

    private func start(
        _ transfer: TransferRequest,
        _ running: RunningRelay,
        _ body: (RelayBody, RequestBody)?,
        _ context: ServiceRequestContext?
    ) {
        let (sink, cancellation, transport) = (running.sink, running.cancellation, transport)
        jobs.submit {
            let result = await cancellation.run { () async -> Result<HeaderFields, TransferError> in
                await withTaskGroup(of: Void.self) { group in
                    if let (source, content) = body {
                        group.addTask { await source.pump(content) { await context?.trailers() } }
                    }
                    defer { group.cancelAll() }
                    do throws(TransferError) {
                        return .success(try await transport.perform(transfer, into: sink).trailers)
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
        let headers = passedOn(head.fields)
        if isBodiless(status, isHead: isHead) { return bodiless(status, headers, length: head.contentLength) }
        @Sendable func send(_ stream: BodyStream) async throws {
            try await stream.sendHead()
            while let buffer = try await running.sink.next() { try await stream.write(buffer) }
        }
        guard head.contentLength == nil else {
            return Response(status: status, headers: headers, body: .stream(length: head.contentLength, send))
        }
        let body = ResponseBody.streamWithTrailers { stream in
            try await send(stream)
            return Self.trailers(running.sink.trailers)
        }
        return Response(status: status, headers: headers, body: body)
    }

    /// Whether an answer ends with its head, whatever length that tells (RFC 9112 §6.3).
    static func isBodiless(_ status: HTTPResponse.Status, isHead: Bool) -> Bool {
        isHead || status == .notModified || status == .noContent
    }

    /// Such an answer.
    static func bodiless(_ status: HTTPResponse.Status, _ headers: HTTPFields, length: Int64?) -> Response {
        var headers = headers
        headers[.contentLength] = length.map { "\($0)" }
        // RFC 9110 §8.6: where the origin tells no length, there is none to tell; an empty body would have one.
        return Response(status: status, headers: headers, body: ResponseBody { try await $0.finish(nil) })
    }

    /// An answer's fields that go on to the client.
    static func passedOn(_ fields: HeaderFields) -> HTTPFields {
        var headers: HTTPFields = [:]
        let named = Set(fields.elements(of: "Connection").map { $0.lowercased() })
        for field in fields.filter(names: { !hopByHop.contains($0) && !named.contains($0) }) {
            guard let name = HTTPField.Name(field.name) else { continue }
            headers.append(HTTPField(name: name, value: field.value))
        }
        return headers
    }

    /// Fields behind a body, but for those that must not stand there (RFC 9110 §6.5.1).
    private static func trailers(_ fields: HeaderFields) -> HTTPFields? {
        var trailers: HTTPFields = [:]
        for field in fields where !hopByHop.contains(field.name.lowercased()) {
            guard let name = HTTPField.Name(field.name) else { continue }
            trailers.append(HTTPField(name: name, value: field.value))
        }
        return trailers.isEmpty ? nil : trailers
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

    static func hasBody(_ request: Request) -> Bool {
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
