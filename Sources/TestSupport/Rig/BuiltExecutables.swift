internal import Foundation

/// The path of one of our executables, built beside the running test bundle.
package func builtExecutable(_ name: String) throws -> String {
    let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = bundle.deletingLastPathComponent().appending(path: name).path
    guard FileManager.default.isExecutableFile(atPath: path) else { throw RigError("\(path) is not built") }
    return path
}

/// Where one of our servers listens, from the line it prints when it is ready.
///
/// The line is `NAME ready KEY=VALUE ...`.
struct ReadyLine: Sendable {
    let values: [String: String]

    init?(_ line: String, of name: String) {
        guard let start = line.range(of: "\(name) ready ") else { return nil }
        var values: [String: String] = [:]
        for field in line[start.upperBound...].split(separator: " ") {
            let pair = field.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
        }
        self.values = values
    }

    /// Starts one of our servers' ready line off the process.
    static func wait(for name: String, in process: RunningProcess) async throws -> ReadyLine {
        try await process.line(within: .seconds(60)) { ReadyLine($0, of: name) }
    }

    func value(_ key: String) throws -> String {
        guard let value = values[key] else { throw RigError("no \(key) in the ready line: \(values)") }
        return value
    }
}

/// One of our servers: what it is run with.
struct ServerCommand {
    let name: String
    let configuration: String
    let directory: String
    let arguments: [String]

    /// Writes the configuration into the directory, which is made if need be.
    func command() throws -> RunningProcess.Command {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let file = "\(directory)/\(name).yml"
        try configuration.write(toFile: file, atomically: true, encoding: .utf8)
        return RunningProcess.Command(try builtExecutable(name), ["--config", file] + arguments)
    }
}
