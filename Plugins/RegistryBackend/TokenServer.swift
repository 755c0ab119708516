internal import BackendAPI
internal import Content
internal import CurlTransport
internal import RegistryProtocol

/// Sends token requests through the transport.
struct TokenServer: TokenTransport {
    private static let longestAnswer = 1 << 20

    private let transport: CurlTransport
    private let options: TransferOptions

    init(transport: CurlTransport, options: TransferOptions) {
        self.transport = transport
        var options = options
        options.schemes = ["http", "https"]
        // The registry chooses who its token server is; the certificate is for the registry.
        options.tls.clientCertificate = nil
        options.tls.clientKey = nil
        options.rateLimits = []
        options.totalTimeout = min(options.totalTimeout ?? .seconds(30), .seconds(30))
        self.options = options
    }

    func send(_ request: TokenRequest) async throws -> TokenAnswer {
        var transfer = TransferRequest(url: request.url, method: request.method, options: options)
        transfer.headers = request.headers
        transfer.credentials = request.credentials
        if let body = request.body {
            transfer.body = .bytes(body)
            // A body with a secret goes to nobody else.
            transfer.options.followRedirects = false
        }
        let response = try await transport.send(transfer, limit: Self.longestAnswer)
        let retryAfter = HTTPAnswer.failure(status: response.head.status, fields: response.head.fields).retryAfter
        return TokenAnswer(status: response.head.status, retryAfter: retryAfter, body: response.body)
    }
}

extension BackendError {
    /// What it means that there was no token; `refusal` is the registry's 401 that asked for one.
    init(_ error: TokenError, after refusal: BackendError?) {
        let code: Code =
            switch error.code {
            case .refused: .unauthorized
            case .throttled: .throttled
            case .unreachable: error.status == nil ? .unreachable : .unavailable
            case .insecure: .refused
            case .cancelled: .cancelled
            default: .protocolViolation
            }
        self.init(
            code,
            error.message,
            challenges: code == .unauthorized ? refusal?.challenges ?? [] : [],
            status: code == .unauthorized ? 401 : nil,
            retryAfter: error.retryAfter,
            cause: error.cause ?? error
        )
    }
}
