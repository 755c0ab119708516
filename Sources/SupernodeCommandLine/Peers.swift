import ArgumentParser
import NodeAssembly

/// `supernode peers`.
struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the peers of a running supernode, and how they stand as parents.",
        discussion: """
            ADDRESS is where a peer's pieces are, and what `block` takes. STATE is the gravest of all its tasks: healthy; \
            quarantined: children at several addresses have complained, so nobody is given to it for a while; probation: \
            after that, one piece at a time; blocked: by somebody who runs the cluster. WHY has, for each kind of \
            complaint, how often it came lately and from how many addresses.
            """
    )

    @OptionGroup var options: OperatorOptions

    func run() async { await options.run { try await $0.peers() } }
}
