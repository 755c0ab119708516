internal import Foundation

/// Starts a process for the time of `body` and stops it at the end, however `body` ends.
///
/// With `DARTER_TEST_LOGS` set to a directory, everything that the process has printed is kept there.
package func withProcess<Result>(
    _ command: RunningProcess.Command,
    _ body: (RunningProcess) async throws -> Result
) async throws -> Result {
    let process = try RunningProcess(command)
    do {
        let result = try await body(process)
        await process.stop()
        keepLog(of: process)
        return result
    } catch {
        await process.stop()
        keepLog(of: process)
        throw error
    }
}

private func keepLog(of process: RunningProcess) {
    guard let directory = ProcessInfo.processInfo.environment["DARTER_TEST_LOGS"] else { return }
    let name = process.command.executable.split(separator: "/").last ?? "process"
    let path = "\(directory)/\(name)-\(process.processIdentifier).log"
    try? process.lastLines(.max).write(toFile: path, atomically: true, encoding: .utf8)
}

/// What a command that ran to its end has left.
package struct CommandResult: Sendable {
    /// How it ended.
    package let end: ProcessEnd
    /// Its standard output.
    package let output: String
    /// Its standard error.
    package let errors: String

    /// How it ended.
    package var status: ExitStatus { end.status }
}

/// Runs a command to its end, whatever its exit status; fails if it takes longer than `limit`.
package func run(
    _ command: RunningProcess.Command,
    within limit: Duration = .seconds(120)
) async throws -> CommandResult {
    try await withProcess(command) { process in
        // Closing the process is what a deadline does: its end is then certain.
        let overdue = try? await withDeadline(limit) {
            await withTaskCancellationHandler {
                await process.end()
            } onCancel: {
                process.signal(9)
            }
        }
        try Task.checkCancellation()
        guard let end = overdue else {
            throw RigError("\(command.executable) took longer than \(limit):\n\(process.lastLines())")
        }
        return CommandResult(end: end, output: process.output, errors: process.errors)
    }
}

/// Runs a command that must succeed, and returns its standard output.
@discardableResult
package func runSuccessfully(
    _ command: RunningProcess.Command,
    within limit: Duration = .seconds(120)
) async throws -> String {
    let result = try await run(command, within: limit)
    guard result.status.isSuccess else {
        let line = ([command.executable] + command.arguments).joined(separator: " ")
        throw RigError("\(line) ended with \(result.status):\n\(result.errors.isEmpty ? result.output : result.errors)")
    }
    return result.output
}

/// Runs `body`, cancels it after `limit` and then fails.
///
/// `body` must end when it is cancelled.
package func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw RigError("took longer than \(limit)") }
        return value
    }
}
