package import ArgumentParser
import DownloadTool
import Glibc
import WireAPI

/// `dfget`.
package struct Dfget: AsyncParsableCommand {
    package init() {}

    package static let configuration = CommandConfiguration(
        commandName: "dfget",
        abstract: "Download a file through the peer network.",
        discussion: """
            Goes through this machine's dfdaemon where there is one; otherwise downloads by itself and leaves a process behind \
            that offers the file to others for a while. Without a supernode the content comes straight from its origin.

            Exit status:
            \(ExitStatus.table)
            """,
        version: "dfget \(DarterVersion.current)",
        subcommands: [Get.self, Put.self, Server.self],
        defaultSubcommand: Get.self
    )

    /// Runs the tool with this process's command line, and ends the process.
    package static func start() async -> Never {
        StandardDescriptors.occupy()
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as ToolFailure {
            leave(failure)
        } catch {
            leave(parsing: error)
        }
        _exit(ExitStatus.done.rawValue)
    }

    private static func leave(_ failure: ToolFailure) -> Never {
        tell("dfget: \(failure.message)\n", STDERR_FILENO)
        _exit(failure.status.rawValue)
    }

    /// Help, the version, or what was wrong with the command line.
    private static func leave(parsing error: any Error) -> Never {
        let isHelp = exitCode(for: error) == .success
        let text = isHelp ? fullMessage(for: error) : "dfget: \(message(for: error)); see dfget --help"
        tell(text + "\n", isHelp ? STDOUT_FILENO : STDERR_FILENO)
        _exit(isHelp ? ExitStatus.done.rawValue : ExitStatus.usage.rawValue)
    }
}

/// Writes all of it at once, so that nothing waits in a buffer when the process ends.
func tell(_ text: String, _ descriptor: Int32) {
    _ = Array(text.utf8).withUnsafeBytes { writeAll($0, to: descriptor) }
}
