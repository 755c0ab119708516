import ArgumentParser
import CurlTransport
import FoundationEssentials
import Logging
import NodeAssembly

/// `darter healthcheck`.
struct HealthCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Ask a daemon whether it is ready; for the health checks of containers.",
        discussion: "Exit status: 0 if it is, 1 if it is not or does not answer within 5 s."
    )

    @Argument(help: "What to ask; by default /readyz of the tool that is process 1, at its default address.")
    var url: String?

    func run() async {
        guard let url = url ?? Self.first?.readiness else {
            leave("process 1 is no daemon of Darter's: name a URL")
        }
        var options = TransferOptions()
        options.addresses = .any
        options.proxy = .none
        options.totalTimeout = .seconds(5)
        let transport = CurlTransport(logger: Logger(label: "darter") { _ in SwiftLogNoOpLogHandler() })
        do {
            let answer = try await transport.send(TransferRequest(url: url, options: options), limit: 64 << 10)
            guard answer.head.status == 200 else {
                leave("\(url) answered \(answer.head.status): \(String(decoding: answer.body, as: UTF8.self))")
            }
        } catch {
            leave("\(error)")
        }
        ProcessOptions.leave(0)
    }

    /// What a container runs.
    private static var first: Tool? {
        guard let words = FileManager.default.contents(atPath: "/proc/1/cmdline") else { return nil }
        return Tool(path: String(decoding: words.prefix { $0 != 0 }, as: UTF8.self))
    }

    private func leave(_ reason: String) -> Never {
        ProcessOptions.say("darter: \(reason)")
        ProcessOptions.leave(1)
    }
}
