import Foundation
import Glibc
import RuntimeSetup
import TestSupport
import Testing

/// Only root may give files away.
@Suite(.enabled(if: geteuid() == 0, "changing owners needs root")) struct OwnedDirectoryTests {
    private func owner(_ path: String) -> [UInt32] {
        var status = stat()
        return lstat(path, &status) == 0 ? [status.st_uid, status.st_gid] : []
    }

    @Test("Everything in the directory is handed over, links themselves and not what they lead to")
    func contents() async throws {
        try await withTemporaryDirectory { directory in
            let store = "\(directory)/store"
            try FileManager.default.createDirectory(atPath: "\(store)/objects/ab", withIntermediateDirectories: true)
            for file in ["\(store)/index", "\(store)/objects/ab/one", "\(directory)/outside"] {
                try Data("x".utf8).write(to: URL(filePath: file))
            }
            symlink("\(directory)/outside", "\(store)/link")
            symlink(directory, "\(store)/objects/up")
            #expect(try OwnedDirectory(store, user: 65532, group: 65533).handOver())
            for name in ["", "/index", "/objects", "/objects/ab", "/objects/ab/one", "/link", "/objects/up"] {
                #expect(owner(store + name) == [65532, 65533], "\(name)")
            }
            #expect(owner("\(directory)/outside") == [0, 0])
            #expect(owner(directory) == [0, 0])
        }
    }

    @Test("A directory that is that user's is not looked into")
    func done() async throws {
        try await withTemporaryDirectory { directory in
            let store = "\(directory)/store"
            try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(filePath: "\(store)/file"))
            chown(store, 65532, 65532)
            #expect(try !OwnedDirectory(store, user: 65532, group: 65532).handOver())
            #expect(owner("\(store)/file") == [0, 0])
        }
    }

    @Test("A link, a file and nothing are refused by name")
    func noDirectory() async throws {
        try await withTemporaryDirectory { directory in
            try Data("x".utf8).write(to: URL(filePath: "\(directory)/file"))
            symlink(directory, "\(directory)/link")
            for name in ["file", "link", "none"] {
                let path = "\(directory)/\(name)"
                let error = #expect(throws: OwnedDirectory.Failure.self) {
                    try OwnedDirectory(path, user: 1, group: 1).handOver()
                }
                #expect(error?.description.hasPrefix(path) == true)
            }
        }
    }
}
