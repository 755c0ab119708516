import Foundation

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
func curl(_ arguments: String...) async throws -> CurlResult {
    try await run("/usr/bin/curl", ["--silent", "--show-error", "--max-time", "20", "--noproxy", "*"] + arguments)
}

/// Runs a program to its end.
func run(_ program: String, _ arguments: [String]) async throws -> CurlResult {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    let (output, errors) = (try TemporaryFile(), try TemporaryFile())
    process.standardOutput = try FileHandle(forWritingTo: output.url)
    process.standardError = try FileHandle(forWritingTo: errors.url)
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        process.terminationHandler = { _ in continuation.resume() }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    return CurlResult(
        exitCode: process.terminationStatus,
        output: try Data(contentsOf: output.url),
        errors: String(decoding: try Data(contentsOf: errors.url), as: UTF8.self)
    )
}
