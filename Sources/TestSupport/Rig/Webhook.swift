/// A dfwebhook process that is ready.
package struct Webhook: Sendable {
    /// The process; a test may send it signals.
    package let process: RunningProcess
    /// `host:port` of what kube-apiserver calls.
    package let webhook: String
    /// `host:port` of health and metrics.
    package let health: String
    /// Its configuration file.
    package let file: String
}

/// Runs a webhook for the time of `body`.
///
/// `configuration` is YAML, written to `directory`.
package func withWebhook<Result>(
    _ configuration: String,
    in directory: String,
    _ body: (Webhook) async throws -> Result
) async throws -> Result {
    try await withReadyServer(
        "dfwebhook",
        configuration,
        in: directory,
        arguments: [],
        make: { process, ready in
            Webhook(
                process: process,
                webhook: try ready.value("webhook"),
                health: try ready.value("health"),
                file: "\(directory)/dfwebhook.yml"
            )
        },
        body
    )
}
