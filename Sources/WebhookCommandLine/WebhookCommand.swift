package import ArgumentParser
import WireAPI

/// `dfwebhook`.
package struct WebhookCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "dfwebhook",
        abstract: "Kubernetes admission webhook that points the images of pods to the dfdaemon of their node.",
        discussion: """
            A mutating webhook: nginx:1 becomes 127.0.0.1:65001/docker.io/library/nginx:1, while the network can serve.
            """,
        version: "dfwebhook \(DarterVersion.current)",
        subcommands: [Serve.self, Lint.self],
        defaultSubcommand: Serve.self
    )

    /// As every other line that says what is wrong begins.
    package static let _errorPrefix = "dfwebhook: "
}
