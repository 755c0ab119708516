import ArgumentParser
import WireAPI

/// `darter`.
struct Darter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "darter",
        abstract: "All of Darter's tools in one file.",
        discussion: """
            \(Tool.allCases.map { "darter \($0) ..." }.joined(separator: ", ")): the tool. A link with a tool's name is that tool.
            """,
        version: "darter \(DarterVersion.current)",
        subcommands: [HealthCheck.self]
    )

    /// As every other line that says what is wrong begins.
    static let _errorPrefix = "darter: "
}
