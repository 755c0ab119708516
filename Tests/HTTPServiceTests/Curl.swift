import Foundation
import TestSupport

/// A finished run of curl.
struct CurlResult: Sendable {
    let exitCode: Int32
    let output: Data
    /// What `--write-out` printed, on standard error.
    let errors: String

    var text: String { String(decoding: output, as: UTF8.self) }
    /// The last status line's code when run with `--include`.
    var status: Int? {
        text.split(separator: "\r\n").last { $0.hasPrefix("HTTP/") }.flatMap { Int($0.split(separator: " ")[1]) }
    }
}

/// Runs the curl program, a client that nobody here wrote.
func curl(_ arguments: String...) async throws -> CurlResult { try await curl(arguments) }

/// Runs the curl program.
func curl(_ arguments: [String]) async throws -> CurlResult {
    try await run("/usr/bin/curl", ["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"] + arguments)
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String]) async throws -> CurlResult {
    let output = try TemporaryFile()
    var command = RunningProcess.Command(program, arguments)
    command.output = output.url.path
    return try await withProcess(command) { process in
        let end = await process.end()
        return CurlResult(
            exitCode: end.status.exitCode ?? -1,
            output: try Data(contentsOf: output.url),
            errors: process.errors
        )
    }
}
