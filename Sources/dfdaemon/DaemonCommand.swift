import ArgumentParser
import BackendAPI
import FileBackend
import HTTPBackend
import NodeAssembly
import RegistryBackend

@main
struct DaemonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dfdaemon",
        abstract: "The daemon of one node in a Darter cluster: registry mirror, peer and control socket.",
        discussion: """
            Container runtimes pull through its registry mirror, dfget downloads through its socket, and other nodes fetch
            pieces from it. Flags win over the configuration file, the file over the defaults.

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
