import ArgumentParser
import IncludedBackends
import NodeAssembly

/// `dfdaemon`, `dfdaemon serve`.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the daemon.",
        discussion: """
            Flags win over the configuration file, the file over the defaults.

            Exit codes: 0 stopped by a signal, 1 could not run, 64 wrong usage, 78 wrong configuration.
            """
    )

    @OptionGroup var options: NodeOptions

    func run() async {
        await options.run("dfdaemon", plugins: IncludedBackends.plugins) { (configuration: DaemonConfiguration) in
            try await DaemonProcess(configuration).run(IncludedBackends.plugins)
        }
    }
}
