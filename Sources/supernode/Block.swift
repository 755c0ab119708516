import ArgumentParser
import NodeAssembly
import WireAPI

/// `supernode block NODE`.
struct Block: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a node to nobody as a parent, until it is unblocked or the supernode ends."
    )

    @Argument(help: "ip:port of the node's pieces, or the identity of a registered peer.")
    var node: String

    @Option(help: ArgumentHelp("Why: one line for the list of peers.", valueName: "text"))
    var reason: String?

    @OptionGroup var options: OperatorOptions

    func run() async {
        await options.run { "\(try await $0.block(node, reason: reason).address) is blocked\n" }
    }
}
