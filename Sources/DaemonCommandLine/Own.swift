import ArgumentParser
import RuntimeSetup

/// `dfdaemon own`.
struct Own: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hand a directory over to the user that keeps a store there.",
        discussion: """
            For an init container: Kubernetes makes a node's directory for root, and neither dfdaemon nor supernode has to be \
            root. Does nothing where the directory is that user's already; otherwise everything in it changes its owner, \
            and the directory last. Symbolic links are not followed. Needs the right to change owners (CAP_CHOWN), and \
            nothing else where the directory is root's.

            Exit codes: 0 done, or nothing to do; 1 not, or not all of it; 64 wrong usage.
            """
    )

    @Argument(help: "The directory, which has to be there.")
    var directory: String

    @Option(help: ArgumentHelp("The number of the user.", valueName: "uid"))
    var user: UInt32

    @Option(help: ArgumentHelp("The number of the group; without, that of the user.", valueName: "gid"))
    var group: UInt32?

    func run() throws {
        let group = group ?? user
        let isNew = try OwnedDirectory(directory, user: user, group: group).handOver()
        print("\(directory) \(isNew ? "is handed over to" : "is already owned by") \(user):\(group)")
    }
}
