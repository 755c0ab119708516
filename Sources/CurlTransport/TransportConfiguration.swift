internal import FoundationEssentials

/// How a transport works, whatever it transfers.
public struct TransportConfiguration: Sendable {
    /// Connections kept open for reuse.
    public var maximumIdleConnections = 256
    /// How much is received at once, from 1 KiB to 10 MiB.
    ///
    /// libcurl holds this much for every running transfer, and as much again for one that is paused.
    public var receiveBufferBytes = 256 << 10
    /// Where the proxy variables are looked up: the process's environment when the transport is made.
    public var environment = ProcessInfo.processInfo.environment

    /// The defaults.
    public init() {}
}
