import ArgumentParser
import DownloadTool
import Logging

/// `dfget server`: what a finished download leaves behind; nobody else calls it.
struct Server: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on offering a finished download (dfget starts it).",
        shouldDisplay: false
    )

    func run() async throws {
        try await SeedServer.run(logger: Logger(label: "dfget") { _ in SwiftLogNoOpLogHandler() })
    }
}
