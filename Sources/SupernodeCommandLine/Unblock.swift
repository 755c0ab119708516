import ArgumentParser
import NodeAssembly

/// `supernode unblock NODE`.
struct Unblock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Let a blocked node be a parent again.")

    @Argument(help: "ip:port of the node's pieces as `supernode peers` shows it, or the identity of a registered peer.")
    var node: String

    @OptionGroup var options: OperatorOptions

    func run() async {
        await options.run { supernode in
            try await supernode.unblock(node)
            return "\(node) is not blocked\n"
        }
    }
}
