internal import Foundation

/// Makes an empty directory for the length of `body` and removes it with all that is in it.
package func withTemporaryDirectory<Result>(
    _ body: (_ path: String) async throws -> Result
) async throws -> Result {
    // The resolved path: on some systems the temporary directory is a symbolic link.
    let parent = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
    let directory = parent.appending(component: "darter-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
        at: directory,
        withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700]
    )
    defer {
        // A process that is just ending may take a file away from under the removal, which then fails.
        for _ in 0..<3 where FileManager.default.fileExists(atPath: directory.path) {
            try? FileManager.default.removeItem(at: directory)
        }
    }
    return try await body(directory.path)
}
