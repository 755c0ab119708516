package import ArgumentParser
package import BackendAPI
import ContentProxy
import CurlTransport
import Logging
import NodeConfig

/// A configuration of a node, with what its command line can change.
package protocol NodeConfiguration: ProcessConfiguration {
    /// The directory of the store.
    var home: String { get set }
    /// The backends for origins, with those that follow from other keys.
    var allBackends: [BackendEntry] { get throws(ConfigError) }
}

extension SupernodeConfiguration: NodeConfiguration {
    package var allBackends: [BackendEntry] { backends }
}

extension DaemonConfiguration: NodeConfiguration {
    package var allBackends: [BackendEntry] {
        get throws(ConfigError) { try node.backends.with(mirror.registries) }
    }
}

/// The command line of a node.
package struct NodeOptions: ParsableArguments {
    @OptionGroup package var process: ProcessOptions

    @Option(help: ArgumentHelp("The directory of the store.", valueName: "directory"))
    package var home: String?

    package init() {}

    /// Reads the configuration and has `process` run with it, or checks and prints it; then ends the process.
    ///
    /// See ``ProcessOptions``.
    package func run<Configuration: NodeConfiguration>(
        _ name: String,
        plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin],
        _ process: (Configuration) async throws -> Void
    ) async -> Never {
        await self.process.run(
            name,
            adjust: { (configuration: inout Configuration) in if let home { configuration.home = home } },
            check: { configuration in
                _ = try BackendRegistry.of(TransferOptions(), configuration.allBackends) { options in
                    let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
                    let transport = CurlTransport(logger: logger)
                    return plugins(PluginEnvironment(transport: transport, options: options, logger: logger))
                }
            },
            process
        )
    }
}
