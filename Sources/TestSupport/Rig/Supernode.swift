/// A supernode process that is ready.
package struct Supernode: Sendable {
    /// The process; a test may kill it.
    package let process: RunningProcess
    /// `host:port` of its API, health and metrics.
    package let api: String
    /// `host:port` of its pieces.
    package let pieces: String
}

/// Runs a supernode for the time of `body`.
///
/// `configuration` is YAML, written to `directory` (which stays; a later one can use the same).
package func withSupernode<Result>(
    _ configuration: String,
    in directory: String,
    arguments: [String] = [],
    _ body: (Supernode) async throws -> Result
) async throws -> Result {
    try await withReadyServer(
        "supernode",
        configuration,
        in: directory,
        arguments: arguments,
        make: { process, ready in
            Supernode(process: process, api: try ready.value("api"), pieces: try ready.value("pieces"))
        },
        body
    )
}
