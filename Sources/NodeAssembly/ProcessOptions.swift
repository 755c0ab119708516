package import ArgumentParser
import FoundationEssentials
import Glibc
package import NodeConfig

/// A configuration of a long-lived process, with what its command line can change.
package protocol ProcessConfiguration: Configurable {
    var log: LogConfiguration { get set }
    /// What there is to say of the file that was read, in a line; nil if there is nothing.
    var notice: String? { get }
    /// The defaults.
    init()
}

extension ProcessConfiguration {
    package var notice: String? { nil }
}

/// The command line of a long-lived process of ours.
package struct ProcessOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    package var config: String?

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

    /// Reads the configuration, flags over file over defaults, and has `process` run with it, or has `check` look at it and prints
    /// it; then ends the process.
    ///
    /// `adjust`: what other flags change. What goes wrong is one line on standard error behind `name`, and an exit code: 78 for a
    /// wrong configuration (sysexits.h), 1 for anything else.
    package func run<Configuration: ProcessConfiguration>(
        _ name: String,
        adjust: (inout Configuration) -> Void = { _ in },
        check: (Configuration) throws -> Void = { _ in },
        _ process: (Configuration) async throws -> Void
    ) async -> Never {
        do {
            var configuration: Configuration = try settings()
            adjust(&configuration)
            guard !printConfig else {
                try check(configuration)
                if let notice = configuration.notice { Self.say("\(name): \(notice)") }
                print(printed(configuration), terminator: "")
                Self.leave(0)
            }
            try await process(configuration)
            Self.leave(0)
        } catch {
            Self.fail(name, error)
        }
    }

    /// Ends the process for an error: one line on standard error behind `name`.
    package static func fail(_ name: String, _ error: any Error) -> Never {
        say("\(name): \(CommandFailure.line(error))")
        leave(error is ConfigError ? 78 : 1)
    }

    /// A line on standard error.
    package static func say(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }

    /// Ends the process at once: libcurl's thread must not go on while exit(3) takes down what it uses.
    package static func leave(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }

    private func settings<Configuration: ProcessConfiguration>() throws(ConfigError) -> Configuration {
        var configuration = Configuration()
        if let config { try ConfigFile.load(path: config, into: &configuration) }
        if let logLevel {
            guard let level = LogConfiguration.Level(configText: logLevel) else {
                throw ConfigError(message: "--log-level: '\(logLevel)' is none of the levels")
            }
            configuration.log.level = level
        }
        return configuration
    }
}
