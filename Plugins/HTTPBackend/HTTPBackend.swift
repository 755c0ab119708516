public import BackendAPI
internal import Content
public import CurlTransport
internal import OriginTransfer

/// Fetches from HTTP origins; the first ranged GET tells what a HEAD would.
///
/// A request's own credentials are sent instead of the configured ones. Both go to the origin of the URL only.
public struct HTTPBackend: Backend {
    private let origin: HTTPOrigin
    private let configuration: HTTPConfiguration

    /// A backend that goes through `transport`, with `defaults` for what `configuration` does not say.
    public init(transport: CurlTransport, defaults: TransferOptions, configuration: HTTPConfiguration) {
        self.configuration = configuration
        origin = HTTPOrigin(transport: transport, options: configuration.transfers.options(over: defaults))
    }

    /// Ranges.
    public let capabilities: BackendCapabilities = .ranges

    /// A GET, with `Range` where a range is asked for.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        try await origin.fetch(request, credentials: fields(for: request), into: sink)
    }

    /// A HEAD, or a GET of one byte where the origin does not want that.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        try await origin.head(request, credentials: fields(for: request))
    }

    /// The fields that the URL's origin gets, and nobody that it redirects to.
    private func fields(for request: OriginRequest) -> HeaderFields {
        let own = request.credentials.isEmpty ? configuration.credentials : request.credentials
        var fields = own.headers
        for field in configuration.headers
        where !own.headers.contains(field.name) && !request.resource.headers.contains(field.name) {
            fields.append(field.name, field.value)
        }
        return fields
    }
}
