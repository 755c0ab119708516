import ArgumentParser
import BackendAPI
import FileBackend
import HTTPBackend
import NodeAssembly
import RegistryBackend

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
        let plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin] = { environment in
            [
                HTTPPlugin(transport: environment.transport, defaults: environment.options),
                RegistryPlugin(transport: environment.transport, defaults: environment.options),
                FilePlugin(logger: environment.logger),
            ]
        }
        await options.run("dfdaemon", plugins: plugins) { (configuration: DaemonConfiguration) in
            try await DaemonProcess(configuration).run(plugins)
        }
    }
}
