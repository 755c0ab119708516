internal import Content

/// One request of a transfer: the first, or what a redirect made of the one before.
struct Hop: Sendable {
    let url: ResourceURL
    let method: String
    let headers: HeaderFields
    let credentials: HeaderFields
    let range: TransferRange?
    let sendsBody: Bool
    /// False from the first redirect that left the origin on.
    let isTrusted: Bool
    let number: Int

    /// Fields that are credentials or belong to one origin, wherever the caller put them.
    private static let bound: Set<String> = ["authorization", "cookie", "host", "proxy-authorization"]
    /// Fields that the body decides.
    private static let framing: Set<String> = ["content-length", "transfer-encoding"]
    private static let token = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    /// The first request of a transfer, if it can be sent.
    init(_ request: TransferRequest) throws(TransferError) {
        guard let url = ResourceURL(request.url) else {
            throw TransferError(.invalidRequest, "not an absolute URL")
        }
        guard request.options.schemes.contains(url.scheme) else {
            throw TransferError(.unsupported, "the scheme \(url.scheme) is not allowed here")
        }
        guard Self.isToken(request.method) else { throw TransferError(.invalidRequest, "a malformed method") }
        for field in Array(request.headers) + Array(request.credentials) {
            guard Self.isField(field) else { throw TransferError(.invalidRequest, "a malformed header field") }
        }
        guard request.range == nil || request.range?.text != nil else {
            throw TransferError(.invalidRequest, "an empty or negative range")
        }
        self.url = url
        method = request.method
        headers = request.headers.filter { !Self.framing.contains($0) }
        credentials = request.credentials.filter { !Self.framing.contains($0) }
        range = request.range
        if case .none = request.body { sendsBody = false } else { sendsBody = true }
        isTrusted = true
        number = 0
    }

    /// The request that a redirect asks for.
    ///
    /// Credentials are kept only for the same scheme, host and port, and once left behind they do not come back.
    func redirected(by status: Int, to location: String, options: TransferOptions) throws(TransferError) -> Hop {
        guard number < options.maximumRedirects else {
            throw TransferError(.tooManyRedirects, "\(url.origin): more than \(options.maximumRedirects) redirects")
        }
        guard let target = ResourceURL(location) else {
            throw TransferError(.protocolError, "\(url.origin): a redirect to something that is no URL")
        }
        guard options.schemes.contains(target.scheme), ["http", "https"].contains(target.scheme) else {
            throw TransferError(.unsupported, "\(url.origin): a redirect to \(target.scheme) is not followed")
        }
        let stays = isTrusted && target.origin == url.origin
        // RFC 9110 §15.4: 303 asks for a GET, and 301 and 302 make a GET of a POST.
        let becomesGet =
            (status == 303 && method != "HEAD" && method != "GET") || (status < 303 && method == "POST")
        return Hop(
            url: target,
            method: becomesGet ? "GET" : method,
            headers: kept(staying: stays, withBody: !becomesGet),
            credentials: stays ? credentials : [:],
            range: range,
            sendsBody: sendsBody && !becomesGet,
            isTrusted: stays,
            number: number + 1
        )
    }

    private func kept(staying: Bool, withBody: Bool) -> HeaderFields {
        headers.filter { name in
            (staying || !Self.bound.contains(name)) && (withBody || !name.hasPrefix("content-"))
        }
    }

    /// Whether a line of a header can be made of it.
    static func isField(_ field: HeaderFields.Field) -> Bool {
        isToken(field.name) && field.value.utf8.allSatisfy { $0 != 0 && $0 != 0x0A && $0 != 0x0D }
    }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { token.contains($0 | (0x41...0x5A ~= $0 ? 0x20 : 0)) }
    }

    private init(
        url: ResourceURL,
        method: String,
        headers: HeaderFields,
        credentials: HeaderFields,
        range: TransferRange?,
        sendsBody: Bool,
        isTrusted: Bool,
        number: Int
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.credentials = credentials
        self.range = range
        self.sendsBody = sendsBody
        self.isTrusted = isTrusted
        self.number = number
    }
}
