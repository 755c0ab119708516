import ArgumentParser
import DownloadTool
import Glibc
import IncludedBackends
import NodeConfig

/// `dfget URL`.
struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download a file (this may be left out: dfget URL).",
        discussion: "Exit status:\n\(ExitStatus.table)"
    )

    @Argument(help: "What to download; a user and password in it are sent to its host alone.")
    var address: String?

    @Option(name: .shortAndLong, help: "The same as the argument.")
    var url: String?

    @OptionGroup var common: CommonOptions
    @OptionGroup var content: ContentOptions
    @OptionGroup var transfer: TransferFlags

    @Flag(help: "Print the configuration with all defaults, and exit.")
    var printConfig = false

    func run() async throws {
        var settings = try common.settings()
        try transfer.apply(to: &settings)
        if printConfig {
            try DownloadTool(settings, .init(), plugins: IncludedBackends.plugins, logger: common.logger()).check()
            tell(printed(settings), STDOUT_FILENO)
            return
        }
        guard address == nil || url == nil || address == url else {
            throw ToolFailure(.usage, "two URLs: one as the argument and another with --url")
        }
        let order = try DownloadOrder(content.arguments(url: address ?? url))
        let isAlone = !common.node.isEmpty || !common.cacerts.isEmpty
        var manner = try transfer.manner(alone: isAlone)
        manner.warn = { tell("dfget: \($0)\n", STDERR_FILENO) }
        let tool = DownloadTool(settings, manner, plugins: IncludedBackends.plugins, logger: common.logger())
        let transfer = transfer
        try await tool.download(order) { summary in
            if transfer.json {
                tell(summary.json + "\n", order.output.isStandardOutput ? STDERR_FILENO : STDOUT_FILENO)
            } else if !transfer.quiet, !order.output.isStandardOutput {
                tell(summary.line + "\n", STDERR_FILENO)
            }
        }
    }
}
