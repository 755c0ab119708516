import ArgumentParser
import BackendAPI
import FileBackend
import HTTPBackend
import NodeAssembly
import RegistryBackend

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
