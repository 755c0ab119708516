import Content
import CurlTransport
import HTTPService

/// One of the daemon's own listeners, as somebody on this machine calls it.
struct Probe: Sendable {
    /// Scheme, host and port.
    let base: String
    /// As the configuration has it.
    let address: ListenAddress
    private let transport: CurlTransport
    private let options: TransferOptions

    init(_ listener: ListenerConfiguration, _ transport: CurlTransport) {
        self.transport = transport
        address = listener.address
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.connectTimeout = .seconds(5)
        options.totalTimeout = .seconds(60)
        // It is this machine's own, and its certificate is for other names.
        options.tls.verify = listener.tls == nil
        options.tls.clientCertificate = listener.tls?.certificate
        options.tls.clientKey = listener.tls?.key
        let scheme = listener.tls == nil ? "http" : "https"
        switch address.place {
        case .unix(let path):
            options.unixSocketPath = path
            base = "\(scheme)://localhost"
        case .tcp(let host, let port):
            // What listens on all addresses listens on this machine's own, too.
            let host = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "::1" : host
            base = "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
        self.options = options
    }

    var port: Int? {
        if case .tcp(_, let port) = address.place { port } else { nil }
    }

    func get(
        _ path: String,
        headers: HeaderFields = [:],
        authorization: String? = nil,
        limit: Int = 4 << 20
    ) async throws(TransferError) -> BufferedResponse {
        var request = TransferRequest(url: base + path, options: options)
        request.headers = headers
        request.credentials["Authorization"] = authorization
        return try await transport.send(request, limit: limit)
    }
}
