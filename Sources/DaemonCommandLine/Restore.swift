import ArgumentParser
import RuntimeSetup

/// `dfdaemon runtime restore`.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take back what `configure` has done.",
        discussion: """
            Files that are still what `configure` wrote become what they were, or go where there were none; so do empty \
            directories that were made. Out of files that were changed since only the mirror is taken. crio and podman \
            share their file: restoring one leaves what the other was configured for.

            Exit codes: 0 done, or nothing to do; 1 nothing was done, or not all of it; 64 wrong usage.
            """
    )

    @OptionGroup var options: SetupOptions

    func run() throws {
        try options.run { (setup) throws(SetupError) in
            try setup.alone { () throws(SetupError) in
                let plan = try setup.restoration()
                try options.show(plan) { () throws(SetupError) in try setup.apply(restoration: plan) }
            }
        }
    }
}
