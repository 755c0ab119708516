package import ArgumentParser
import WireAPI

/// `supernode`.
package struct SupernodeCommand: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "supernode",
        abstract: "Tracker, scheduler and cache of a Darter cluster.",
        discussion: """
            Fetches every task from its origin once and tells each peer which piece to fetch from whom.
            """,
        version: "supernode \(DarterVersion.current)",
        subcommands: [Serve.self, Peers.self, Block.self, Unblock.self],
        defaultSubcommand: Serve.self
    )

    /// As every other line that says what is wrong begins.
    package static let _errorPrefix = "supernode: "
}
