internal import Foundation

/// The path of one of our executables, built beside the running test bundle.
package func builtExecutable(_ name: String) throws -> String {
    let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = bundle.deletingLastPathComponent().appending(path: name).path
    guard FileManager.default.isExecutableFile(atPath: path) else { throw RigError("\(path) is not built") }
    return path
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
