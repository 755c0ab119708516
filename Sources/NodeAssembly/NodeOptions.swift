package import ArgumentParser
package import BackendAPI
import ContentProxy
import CurlTransport
import FoundationEssentials
import Glibc
import Logging
package import NodeConfig

/// A configuration of a long-lived process, with what its command line can change.
package protocol NodeConfiguration: Configurable {
    /// The directory of the store.
    var home: String { get set }
    var log: LogConfiguration { get set }
    /// The backends for origins, with those that follow from other keys.
    var allBackends: [BackendEntry] { get throws(ConfigError) }
    /// What there is to say of the file that was read, in a line; nil if there is nothing.
    var notice: String? { get }
    /// The defaults.
    init()
}

extension SupernodeConfiguration: NodeConfiguration {
    package var allBackends: [BackendEntry] { backends }
    package var notice: String? { nil }
}

extension DaemonConfiguration: NodeConfiguration {
    package var allBackends: [BackendEntry] {
        get throws(ConfigError) { try node.backends.with(mirror.registries) }
    }
}

/// The command line of a long-lived process of ours.
package struct NodeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    package var config: String?

    @Option(help: ArgumentHelp("The directory of the store.", valueName: "directory"))
    package var home: String?

    @Option(
        help: ArgumentHelp(
            "Log this and what is graver: \(LogConfiguration.Level.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "level"
        )
    )
    package var logLevel: String?

    @Flag(help: "Print the configuration with all defaults, and exit.")
    package var printConfig = false

    package init() {}

    /// Reads the configuration, flags over file over defaults, and has `process` run with it, or checks and prints it;
    /// then ends the process.
    ///
    /// What goes wrong is one line on standard error behind `name`, and an exit code: 78 for a wrong configuration
    /// (sysexits.h), 1 for anything else.
    package func run<Configuration: NodeConfiguration>(
        _ name: String,
        plugins: @Sendable (PluginEnvironment) -> [any BackendPlugin],
        _ process: (Configuration) async throws -> Void
    ) async -> Never {
        do {
            let configuration: Configuration = try settings()
            guard !printConfig else {
                _ = try BackendRegistry.of(TransferOptions(), configuration.allBackends) { options in
                    let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
                    let transport = CurlTransport(logger: logger)
                    return plugins(PluginEnvironment(transport: transport, options: options, logger: logger))
                }
                if let notice = configuration.notice { Self.say("\(name): \(notice)") }
                print(printed(configuration), terminator: "")
                Self.leave(0)
            }
            try await process(configuration)
            Self.leave(0)
        } catch {
            Self.say("\(name): \(CommandFailure.line(error))")
            Self.leave(error is ConfigError ? 78 : 1)
        }
    }

    private static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }

    /// Ends the process at once: libcurl's thread must not go on while exit(3) takes down what it uses.
    package static func leave(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }

    private func settings<Configuration: NodeConfiguration>() throws(ConfigError) -> Configuration {
        var configuration = Configuration()
        if let config { try ConfigFile.load(path: config, into: &configuration) }
        if let home { configuration.home = home }
        if let logLevel {
            guard let level = LogConfiguration.Level(configText: logLevel) else {
                throw ConfigError(message: "--log-level: '\(logLevel)' is none of the levels")
            }
            configuration.log.level = level
        }
        return configuration
    }
}
