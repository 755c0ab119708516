import ArgumentParser
import NodeAssembly
import WireAPI

/// `supernode block NODE`.
struct Block: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a node to nobody as a parent, until it is unblocked or the supernode ends.",
        discussion: """
            What others are getting from it comes from elsewhere; it may go on downloading. Each supernode has its own \
            list, in memory only. Needs the cluster's secret, or where there is none, the supernode's own machine.
            """
    )

    @Argument(help: "ip:port of the node's pieces as `supernode peers` shows it, or the identity of a registered peer.")
    var node: String

    @Option(help: ArgumentHelp("Why: one line for the list of peers.", valueName: "text"))
    var reason: String?

    @OptionGroup var options: OperatorOptions

    func run() async {
        await options.run { supernode in
            let block = try await supernode.block(node, reason: reason)
            return "\(block.address) is blocked\(block.peers.isEmpty ? "; no peer is registered there now" : "")\n"
        }
    }
}
