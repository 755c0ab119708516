import ArgumentParser
import IncludedBackends
import NodeAssembly

/// `supernode`, `supernode serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a supernode.",
        discussion: """
            Flags win over the configuration file, the file over the defaults.

            Exit codes: 0 stopped by a signal, 1 could not run, 64 wrong usage, 78 wrong configuration.
            """
    )

    @OptionGroup var options: NodeOptions

    func run() async {
        await options.run("supernode", plugins: IncludedBackends.plugins) { (configuration: SupernodeConfiguration) in
            try await SupernodeProcess(configuration).run(IncludedBackends.plugins)
        }
    }
}
