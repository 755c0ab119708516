import ArgumentParser
import DownloadTool
import Glibc
import Logging

/// `dfget server`: what a finished download leaves behind; nobody else calls it.
struct Server: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on offering a finished download (dfget starts it).",
        shouldDisplay: false
    )

    func run() async throws {
        // Standard error is the servers' log.
        try await SeedServer.run(
            logger: Logger(label: "dfget[\(getpid())]") { StreamLogHandler.standardError(label: $0) }
        )
    }
}
