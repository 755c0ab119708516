import ArgumentParser
import WireAPI

@main
struct SupernodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
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
    static let _errorPrefix = "supernode: "
}
