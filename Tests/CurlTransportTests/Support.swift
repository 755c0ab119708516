import CurlTransport
import Logging
import Testing

/// A transport for the length of `body`, blind to the proxy variables of whoever runs the tests.
func withTransport<Result>(
    environment: [String: String] = [:],
    _ body: (CurlTransport) async throws -> Result
) async throws -> Result {
    var configuration = TransportConfiguration()
    configuration.environment = environment
    let transport = CurlTransport(configuration, logger: Logger(label: "test"))
    do {
        let result = try await body(transport)
        await transport.shutdown()
        return result
    } catch {
        await transport.shutdown()
        throw error
    }
}

extension TransferRequest {
    /// A request that may go to loopback.
    init(to url: String, method: String = "GET") {
        self.init(url: url, method: method)
        options.addresses = .any
    }
}

extension CurlTransport {
    /// A small call; untyped, as `#expect` takes no `try` with a typed error.
    func fetch(_ request: TransferRequest, limit: Int = 64 << 20) async throws -> BufferedResponse {
        try await send(request, limit: limit)
    }
}

/// The error that `body` must end with.
func failure<Result>(
    sourceLocation: SourceLocation = #_sourceLocation,
    of body: () async throws -> Result
) async -> TransferError? {
    do {
        _ = try await body()
        Issue.record("no error", sourceLocation: sourceLocation)
    } catch let error as TransferError {
        return error
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
    return nil
}
