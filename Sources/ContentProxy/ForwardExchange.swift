import BackendAPI
import Content
import CurlTransport
import HTTPService
import HTTPTypes
import Hummingbird

/// One request to the proxy, and where it goes.
struct ForwardExchange: Sendable {
    var request: Request
    let context: ServiceRequestContext
    let via: Via
    /// The rule for its URL, if one matches.
    let rule: ForwardRule?
    /// Where it goes.
    let target: ResourceURL
    /// How its origin is spoken to, where it is passed straight.
    var options = TransferOptions()

    /// `client`: the URL as the client has it.
    init(_ request: Request, _ context: ServiceRequestContext, client: ResourceURL, rule: ForwardRule?, via: Via) {
        self.request = request
        self.context = context
        self.via = via
        self.rule = rule
        target = rule?.target(of: client) ?? client
    }

    /// What is asked of the swarm; `headers`: those that select the content.
    func resource(_ headers: HeaderFields) -> Resource {
        Resource(url: target, headers: headers, ignoredQuery: rule?.ignoredQuery ?? [], asSharedCache: true)
    }

    /// What a proxy answers itself.
    ///
    /// Counts Max-Forwards (RFC 9110 §7.6.2); throws for what it does not do.
    mutating func ownAnswer() throws(APIError) -> Response? {
        if let expectation = request.headers[.expect], expectation.lowercased() != "100-continue" {
            throw APIError(.expectationFailed, "expectation_failed", "the only expectation that is met is 100-continue")
        }
        // It shows whoever asks what was sent, credentials that were added on the way included.
        if request.method == .trace { throw APIError(.methodNotAllowed, "no_trace", "TRACE is not passed on") }
        guard request.method == .options, let name = HTTPField.Name("Max-Forwards"),
            let left = request.headers[name].flatMap({ Int($0) }), left >= 0
        else { return nil }
        guard left > 0 else { return .allowing([.get, .head, .post, .put, .options]) }
        request = request.setting(name, "\(left - 1)")
        return nil
    }

    /// Says how the cache took part, to the client and in the log.
    func add(_ status: CacheStatus, to response: inout Response) {
        context.notes.set(status)
        guard let name = HTTPField.Name("Cache-Status") else { return }
        // Behind what caches nearer to the origin say (RFC 9211 §2).
        response.headers.append(HTTPField(name: name, value: status.description))
    }
}

extension Request {
    /// The request with another value of a field, or without it.
    func setting(_ name: HTTPField.Name, _ value: String?) -> Request {
        var head = head
        head.headerFields[name] = value
        return Request(head: head, body: body)
    }
}
