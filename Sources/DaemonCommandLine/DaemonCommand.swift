package import ArgumentParser
import WireAPI

/// `dfdaemon`.
package struct DaemonCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "dfdaemon",
        abstract: "The daemon of one node in a Darter cluster: registry mirror, proxy, peer and control socket.",
        discussion: """
            Container runtimes pull through its registry mirror, HTTP clients fetch through its proxy, dfget downloads through \
            its socket, and other nodes fetch pieces from it.
            """,
        version: "dfdaemon \(DarterVersion.current)",
        subcommands: [Serve.self, Runtime.self, GenerateAuthority.self, Own.self],
        defaultSubcommand: Serve.self
    )

    /// As every other line that says what is wrong begins.
    package static let _errorPrefix = "dfdaemon: "
}
