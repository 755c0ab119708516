public import BackendAPI
public import CurlTransport
public import NodeConfig

/// Origins that speak HTTP: `plugin: http`.
public struct HTTPPlugin: BackendPlugin {
    private let transport: CurlTransport
    private let defaults: TransferOptions

    /// Backends that go through `transport`; `defaults` holds for what an entry does not say.
    public init(transport: CurlTransport, defaults: TransferOptions = TransferOptions()) {
        self.transport = transport
        self.defaults = defaults
    }

    /// `http`.
    public var name: String { "http" }
    /// `http` and `https`.
    public var schemes: [String] { ["http", "https"] }

    /// Makes a backend by ``HTTPConfiguration``.
    public func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend {
        var configuration = HTTPConfiguration()
        try options.bind(into: &configuration)
        return HTTPBackend(transport: transport, defaults: defaults, configuration: configuration)
    }
}
