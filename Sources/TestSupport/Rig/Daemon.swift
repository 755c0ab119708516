/// A dfdaemon process that is ready.
package struct Daemon: Sendable {
    /// The process; a test may kill it.
    package let process: RunningProcess
    /// `host:port` of the registry mirror and proxy.
    package let proxy: String
    /// `host:port` of its uploads.
    package let pieces: String
    /// `host:port` of health and metrics.
    package let health: String
    /// The path of its control socket.
    package let socket: String
}

/// Runs a dfdaemon for the time of `body`.
///
/// `configuration` is YAML, written to `directory` (which stays; a later one can use the same).
package func withDaemon<Result>(
    _ configuration: String,
    in directory: String,
    arguments: [String] = [],
    _ body: (Daemon) async throws -> Result
) async throws -> Result {
    try await withReadyServer(
        "dfdaemon",
        configuration,
        in: directory,
        arguments: arguments,
        make: { process, ready in
            Daemon(
                process: process,
                proxy: try ready.value("proxy"),
                pieces: try ready.value("pieces"),
                health: try ready.value("health"),
                socket: try ready.value("socket")
            )
        },
        body
    )
}
