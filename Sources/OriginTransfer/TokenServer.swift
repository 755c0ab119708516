internal import BackendAPI
internal import Content
public import CurlTransport
public import RegistryProtocol

/// Sends token requests through the transport.
public struct TokenServer: TokenTransport {
    private static let longestAnswer = 1 << 20

    private let transport: CurlTransport
    private let options: TransferOptions

    /// `options`: those of the registry.
    public init(transport: CurlTransport, options: TransferOptions) {
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

    /// The answer, whatever its status.
    public func send(_ request: TokenRequest) async throws -> TokenAnswer {
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
