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
