internal import Foundation

/// The scripts below `scripts/rig`, which know how real servers are configured.
enum RigScripts {
    /// The directory of the package.
    static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A command that runs one of them.
    static func command(_ name: String, _ arguments: [String]) -> RunningProcess.Command {
        RunningProcess.Command(packageRoot.appending(path: "scripts/rig/\(name)").path, arguments)
    }
}

/// A directory for the time of `body`, removed afterwards with everything in it.
func withScratchDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darter-rig-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    // nginx's workers are not root, and must get at what tests put here.
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory.path)
}
