public import BackendAPI
public import CurlTransport
public import NodeConfig

/// Container registries (distribution-spec): `plugin: registry`.
public struct RegistryPlugin: BackendPlugin {
    private let transport: CurlTransport
    private let defaults: TransferOptions

    /// Backends that go through `transport`; `defaults` holds for what an entry does not say.
    public init(transport: CurlTransport, defaults: TransferOptions = TransferOptions()) {
        self.transport = transport
        self.defaults = defaults
    }

    /// `registry`.
    public var name: String { "registry" }
    /// `https` and `http`.
    public var schemes: [String] { ["https", "http"] }

    /// Makes a backend by ``RegistryConfiguration``.
    public func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend {
        var configuration = RegistryConfiguration()
        try options.bind(into: &configuration)
        return RegistryBackend(transport: transport, defaults: defaults, configuration: configuration)
    }

    /// None: a URL does not show that a registry answers it, so an entry has to say where there are registries.
    public func makeDefaultBackend() throws(ConfigError) -> (any Backend)? { nil }
}
