internal import Foundation

/// The path of one of our executables, built beside the running test bundle.
package func builtExecutable(_ name: String) throws -> String {
    let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = bundle.deletingLastPathComponent().appending(path: name).path
    guard FileManager.default.isExecutableFile(atPath: path) else { throw RigError("\(path) is not built") }
    return path
}
