public import BackendAPI
public import Logging
public import NodeConfig

/// Files below configured directories of this node: `plugin: file`.
public struct FilePlugin: BackendPlugin {
    private let logger: Logger

    /// Backends that read through a transport of their own, made when one is first used.
    public init(logger: Logger) { self.logger = logger }

    /// `file`.
    public var name: String { "file" }
    /// `file`.
    public var schemes: [String] { ["file"] }

    /// Makes a backend by ``FileConfiguration``.
    public func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend {
        var configuration = FileConfiguration()
        try options.bind(into: &configuration)
        guard !configuration.roots.isEmpty else {
            throw options.error("roots", "'roots' must name the directories to serve from")
        }
        return FileBackend(configuration: configuration, logger: logger)
    }

    /// None: without roots there is nothing to serve.
    public func makeDefaultBackend() throws(ConfigError) -> (any Backend)? { nil }
}
