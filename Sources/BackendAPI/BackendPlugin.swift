public import NodeConfig

/// Makes backends of one kind from configuration.
///
/// An executable lists the plugins that it has and hands them to a ``BackendRegistry``; what a plugin needs beyond its
/// configuration (a transport, a logger) it gets by its own initialiser.
public protocol BackendPlugin: Sendable {
    /// What `plugin:` in the configuration calls it.
    var name: String { get }

    /// The schemes that an entry serves which names none, in lower case.
    var schemes: [String] { get }

    /// Makes the backend of one entry of `backends:` from the plugin's own keys.
    ///
    /// The plugin refuses what it does not know or what makes no sense, by an error at file and line
    /// (``RawConfig/bind(into:)``, ``RawConfig/error(_:_:)``).
    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend

    /// The backend that serves all hosts of the plugin's schemes as long as no entry names the plugin; nil: none.
    func makeDefaultBackend() throws(ConfigError) -> (any Backend)?
}

extension BackendPlugin {
    /// The backend without any keys.
    public func makeDefaultBackend() throws(ConfigError) -> (any Backend)? { try makeBackend(RawConfig()) }
}
