import ArgumentParser
import NodeAssembly

/// `supernode peers`.
struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the peers of a running supernode, and how they stand as parents."
    )

    @OptionGroup var options: OperatorOptions

    func run() async { await options.run { try await $0.peers() } }
}
