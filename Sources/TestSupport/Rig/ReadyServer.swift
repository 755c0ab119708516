internal import Foundation

/// Runs one of our servers for the time of `body`, which gets what `make` makes of the server's ready line.
///
/// `configuration` is YAML, written to `directory` (which stays; a later server can use the same).
func withReadyServer<Server, Result>(
    _ name: String,
    _ configuration: String,
    in directory: String,
    arguments: [String],
    make: (RunningProcess, ReadyLine) throws -> Server,
    _ body: (Server) async throws -> Result
) async throws -> Result {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let file = "\(directory)/\(name).yml"
    try configuration.write(toFile: file, atomically: true, encoding: .utf8)
    let command = RunningProcess.Command(try builtExecutable(name), ["--config", file] + arguments)
    return try await withProcess(command) { process in
        try await body(try make(process, try await ReadyLine.wait(for: name, in: process)))
    }
}
