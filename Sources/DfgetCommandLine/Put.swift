import ArgumentParser
import DownloadTool
import Glibc
import IncludedBackends

/// `dfget put FILE`.
struct Put: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a file into a supernode's store and print its digest.",
        discussion: "It is then there for everybody: dfget --digest sha256:... -o FILE"
    )

    @Argument(help: "The file; - is standard input.")
    var file: String

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let tool = DownloadTool(
            try common.settings(),
            .init(),
            plugins: IncludedBackends.plugins,
            logger: common.logger()
        )
        tell("\(try await tool.put(file))\n", STDOUT_FILENO)
    }
}
