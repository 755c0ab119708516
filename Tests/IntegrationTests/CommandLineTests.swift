import TestSupport
import Testing

/// What the executables say of themselves.
@Suite struct CommandLineTests {
    @Test(
        "What is wrong is told behind the executable's name",
        arguments: [
            ("dfdaemon", ["--bogus"], 64), ("dfdaemon", ["serve", "--bogus"], 64),
            ("dfdaemon", ["gen-ca", "--days", "0"], 64),
            ("dfdaemon", ["runtime", "check", "none"], 64), ("dfdaemon", ["--config", "/none"], 78),
            ("dfdaemon", ["gen-ca", "--out", "/dev/null/ca"], 1), ("dfdaemon", ["own", "/none", "--user", "1"], 1),
            ("dfdaemon", ["own", "/none"], 64), ("supernode", ["--bogus"], 64),
            ("supernode", ["block"], 64), ("supernode", ["--log-level", "loud"], 78), ("dfget", ["--bogus"], 2),
            ("dfget", ["server", "--bogus"], 2), ("dfsim", ["--bogus"], 64), ("dfsim", ["run", "--seed", "-1"], 64),
            ("dfsim", ["run", "/none"], 78), ("dfwebhook", ["--bogus"], 64), ("dfwebhook", ["--config", "/none"], 78),
            ("dfwebhook", ["lint"], 64), ("dfwebhook", ["lint", "--pod", "/none"], 1),
            ("dfsim", ["bench-scheduler", "--pieces", "0"], 64),
        ] as [(String, [String], Int32)]
    )
    func errors(name: String, arguments: [String], status: Int32) async throws {
        let result = try await run(.init(try builtExecutable(name), arguments))
        #expect(result.status.exitCode == status)
        #expect(result.errors.hasPrefix("\(name): "), "\(result.errors)")
        #expect(!result.errors.contains("Error:"))
    }

    @Test("The help names every level of the log", arguments: ["dfdaemon", "supernode", "dfwebhook"])
    func levels(name: String) async throws {
        let help = try await runSuccessfully(
            .init(try builtExecutable(name), ["serve", "--help"]),
            within: .seconds(30)
        )
        let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains("trace, debug, info, notice, warning, error, critical."))
    }

    @Test("A paragraph of the help is one")
    func paragraphs() async throws {
        let help = try await runSuccessfully(
            .init(try builtExecutable("dfdaemon"), ["gen-ca", "--help"]),
            within: .seconds(30)
        )
        let paragraph = help.split(separator: "\n\n")[1].split(separator: "\n")
        #expect(paragraph.dropLast().allSatisfy { $0.count > 60 }, "\(paragraph)")
    }
}
