public import BackendAPI
public import Content
public import CurlTransport

/// Requests to origins that speak HTTP: what is the same for every backend that does.
public struct HTTPOrigin: Sendable {
    /// Completes what a response's head says of the content, or refuses it.
    public typealias Refinement = @Sendable (ContentHead) throws(BackendError) -> ContentHead

    private let transport: CurlTransport
    private let options: TransferOptions
    private let explain: @Sendable (_ body: [UInt8]) -> String?

    /// Statuses of servers that do not want a HEAD; presigned URLs answer 403 to every method but theirs.
    private static let headRefused: Set<Int> = [400, 403, 405, 501]

    /// Goes through `transport`; `explain` finds the reason in an error's body.
    public init(
        transport: CurlTransport,
        options: TransferOptions,
        explain: @escaping @Sendable (_ body: [UInt8]) -> String? = { _ in nil }
    ) {
        self.transport = transport
        var options = options
        options.schemes = ["http", "https"]
        self.options = options
        self.explain = explain
    }

    /// Fetches as ``Backend/fetch(_:into:)`` has it.
    ///
    /// `credentials` are sent instead of the request's; `refine` adds what the caller knows better than the response.
    public func fetch(
        _ request: OriginRequest,
        credentials: HeaderFields,
        into sink: any ContentSink,
        refine: @escaping Refinement = { head throws(BackendError) in head }
    ) async throws(BackendError) {
        if let range = request.range, range.headerValue == nil {
            throw BackendError(.invalidRequest, "an empty or negative range")
        }
        _ = try await exchange("GET", request, credentials, into: sink, refine)
    }

    /// Asks as ``Backend/head(_:)`` has it: by HEAD, or by a GET of one byte where the origin does not want that.
    public func head(
        _ request: OriginRequest,
        credentials: HeaderFields,
        refine: @escaping Refinement = { head throws(BackendError) in head }
    ) async throws(BackendError) -> ContentHead {
        var request = request
        request.range = nil
        do throws(BackendError) {
            return try await exchange("HEAD", request, credentials, into: nil, refine)
        } catch {
            let isRefused = error.status.map { Self.headRefused.contains($0) } ?? (error.code == .closedEarly)
            guard isRefused else { throw error }
        }
        request.range = .closed(ByteRange(length: 1))
        var head = try await exchange("GET", request, credentials, into: nil, refine)
        head.range = nil
        return head
    }

    private func exchange(
        _ method: String,
        _ request: OriginRequest,
        _ credentials: HeaderFields,
        into content: (any ContentSink)?,
        _ refine: @escaping Refinement
    ) async throws(BackendError) -> ContentHead {
        let url = request.resource.url
        var transfer = TransferRequest(url: url.text, method: method, options: options)
        transfer.options.rateLimits += request.limits
        transfer.headers = HTTPAnswer.requestFields(for: request)
        // A proxy or server that compresses on the way would give other bytes, and other offsets.
        if !transfer.headers.contains("Accept-Encoding") { transfer.headers["Accept-Encoding"] = "identity" }
        transfer.credentials = credentials
        if request.resource.asSharedCache {
            // A redirect is the client's to follow.
            transfer.options.followRedirects = false
            // RFC 9110 §7.6.3; and so a node's own proxy knows what must not come back here.
            transfer.headers["Via"] = "1.1 darter"
        }
        let sink = OriginSink(into: content) { head throws(BackendError) in
            var fields = head.fields
            // Nobody may ask for the credentials of a place that only redirected to him.
            if ResourceURL(head.url)?.origin != url.origin { fields.remove("WWW-Authenticate") }
            return try refine(try HTTPAnswer.head(status: head.status, fields: fields, to: request))
        }
        var failure: TransferError?
        do throws(TransferError) {
            _ = try await transport.perform(transfer, into: sink)
        } catch {
            failure = error
        }
        switch sink.result(failure) {
        case .success(let head): return head
        case .failure(let error):
            throw error.naming(url, explain(sink.explanation))
        }
    }
}
