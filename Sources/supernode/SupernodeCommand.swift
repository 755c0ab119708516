import ArgumentParser
import BackendAPI
import FileBackend
import HTTPBackend
import NodeAssembly
import RegistryBackend

@main
struct SupernodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supernode",
        abstract: "Tracker, scheduler and cache of a Darter cluster.",
        discussion: """
            Fetches every task from its origin once and tells each peer which piece to fetch from whom. Flags win over the
            configuration file, the file over the defaults.

            Exit codes: 0 stopped by a signal, 1 could not run, 64 wrong usage, 78 wrong configuration.
            """
    )

    @OptionGroup var options: NodeOptions

    func run() async {
        let plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin] = { environment in
            [
                HTTPPlugin(transport: environment.transport, defaults: environment.options),
                RegistryPlugin(transport: environment.transport, defaults: environment.options),
                FilePlugin(logger: environment.logger),
            ]
        }
        await options.run("supernode", plugins: plugins) { (configuration: SupernodeConfiguration) in
            try await SupernodeProcess(configuration).run(plugins)
        }
    }
}
