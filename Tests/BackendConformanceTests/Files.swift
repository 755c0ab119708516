import Foundation

/// Lets other users in: nginx's workers are not root.
func makeReadable(_ directory: String) throws {
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory)
}

/// Puts a new file at a path, in one step.
func replaceFile(_ path: String, with bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(filePath: path), options: .atomic)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
}
