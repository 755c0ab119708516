import ArgumentParser
import BackendAPI
import FileBackend
import Foundation
import HTTPBackend
import NodeAssembly
import NodeConfig
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

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The directory of the store.", valueName: "directory"))
    var home: String?

    @Option(
        help: ArgumentHelp(
            "Log this and what is graver: trace, debug, info, notice, warning, error.",
            valueName: "level"
        )
    )
    var logLevel: String?

    @Flag(help: "Print the configuration with all defaults, and exit.")
    var printConfig = false

    func run() async throws {
        do {
            let configuration = try settings()
            if printConfig {
                print(printed(configuration), terminator: "")
                return
            }
            try await SupernodeProcess(configuration).run { environment in
                [
                    HTTPPlugin(transport: environment.transport, defaults: environment.options),
                    RegistryPlugin(transport: environment.transport, defaults: environment.options),
                    FilePlugin(logger: environment.logger),
                ]
            }
        } catch {
            FileHandle.standardError.write(Data("supernode: \(CommandFailure.line(error))\n".utf8))
            throw error is ConfigError ? ExitCode(78) : ExitCode.failure
        }
    }

    private func settings() throws(ConfigError) -> SupernodeConfiguration {
        var configuration = SupernodeConfiguration()
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
