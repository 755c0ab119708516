import BackendAPI
import Content
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

/// What only files have: roots, and things that are no files.
@Suite struct FileBackendTests {
    static func request(_ path: String) throws -> OriginRequest {
        OriginRequest(resource: Resource(url: try resourceURL("file://\(path)")))
    }

    static func code(_ backend: any Backend, _ path: String) async throws -> BackendError.Code? {
        let request = try request(path)
        return await failure { () throws(BackendError) in
            _ = try await backend.content(request, limit: 1 << 20)
        }?.code
    }

    @Test(.timeLimit(.minutes(1))) func servesNothingButFilesBelowTheRoots() async throws {
        try await withTemporaryDirectory { directory in
            let manager = FileManager.default
            let root = "\(directory)/root"
            for path in [root, "\(root)/inner", "\(directory)/root2"] {
                try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
            for path in ["\(directory)/secret", "\(root)/inner/file", "\(directory)/root2/near"] {
                try replaceFile(path, with: [1, 2, 3])
            }
            let links = [
                "out": "../secret", "absolute": "\(root)/inner/file", "away": directory, "in": "inner/file",
                "up": "inner/../inner/file", "loop": "loop", "device": "/dev/zero", "process": "/proc/self/environ",
            ]
            for (name, target) in links {
                try manager.createSymbolicLink(atPath: "\(root)/\(name)", withDestinationPath: target)
            }
            #expect(mkfifo("\(root)/fifo", 0o644) == 0)

            let backend = try fileBackend(roots: [root])
            for path in ["inner/file", "in", "up", "%69nner/file", "inner//file"] {
                #expect(try await Self.code(backend, "\(root)/\(path)") == nil, "\(path)")
            }
            let refused = [
                "out", "absolute", "away/secret", "loop", "device", "process", "fifo", "inner", "", "../secret",
                "inner/%2e%2e/%2e%2e/secret", "..%2fsecret", "%2e%2e/secret", "./in",
            ]
            for path in refused {
                #expect(try await Self.code(backend, "\(root)/\(path)") == .refused, "\(path)")
            }
            #expect(try await Self.code(backend, "\(directory)/secret") == .refused)
            #expect(try await Self.code(backend, "\(directory)/root2/near") == .refused)
            #expect(try await Self.code(backend, "\(root)/inner/file/below") == .notFound)
            #expect(try await Self.code(backend, "\(root)/in?query") == .invalidRequest)
            let elsewhere = OriginRequest(resource: Resource(url: try resourceURL("file://other\(root)/in")))
            let error = await failure { () throws(BackendError) in _ = try await backend.head(elsewhere) }
            #expect(error?.code == .refused)
        }
    }

    @Test func takesTheMostSpecificRoot() async throws {
        try await withTemporaryDirectory { directory in
            try FileManager.default.createDirectory(atPath: "\(directory)/a/b", withIntermediateDirectories: true)
            try replaceFile("\(directory)/a/file", with: [1])
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/a/b/link",
                withDestinationPath: "../file"
            )
            let wide = try fileBackend(roots: [directory])
            let both = try fileBackend(roots: [directory, "\(directory)/a/b"])
            #expect(try await Self.code(wide, "\(directory)/a/b/link") == nil)
            #expect(try await Self.code(both, "\(directory)/a/b/link") == .refused)
        }
    }

    @Test func listsADirectory() async throws {
        try await withTemporaryDirectory { root in
            try FileManager.default.createDirectory(atPath: "\(root)/d/sub", withIntermediateDirectories: true)
            try replaceFile("\(root)/d/one", with: [1])
            try replaceFile("\(root)/d/two", with: [1, 2])
            try FileManager.default.createSymbolicLink(atPath: "\(root)/d/link", withDestinationPath: "two")
            try FileManager.default.createSymbolicLink(atPath: "\(root)/d/out", withDestinationPath: "/etc/passwd")
            #expect(mkfifo("\(root)/d/fifo", 0o644) == 0)
            let backend = try fileBackend(roots: [root])
            #expect(
                try await backend.list(try Self.request("\(root)/d")) == [
                    ListedEntry(name: "link", kind: .file, length: 2), ListedEntry(name: "one", kind: .file, length: 1),
                    ListedEntry(name: "sub", kind: .directory), ListedEntry(name: "two", kind: .file, length: 2),
                ]
            )
            let file = try Self.request("\(root)/d/one")
            let error = await failure { () throws(BackendError) in _ = try await backend.list(file) }
            #expect(error?.code == .notFound)
        }
    }

    @Test(arguments: [true, false])
    func noticesAFileThatChangesUnderTheReader(isCut: Bool) async throws {
        try await withTemporaryDirectory { root in
            let path = "\(root)/file"
            try replaceFile(path, with: randomBytes(9 << 20, seed: 5))
            let sink = ActingSink {
                if isCut { truncate(path, 5 << 20) } else { utimes(path, nil) }
            }
            let backend = try fileBackend(roots: [root])
            let request = try Self.request(path)
            let error = await failure { () throws(BackendError) in try await backend.fetch(request, into: sink) }
            #expect(error?.code == .changedAtOrigin)
        }
    }

    @Test func goesOnWithTheFileItOpened() async throws {
        try await withTemporaryDirectory { root in
            let path = "\(root)/file"
            let content = randomBytes(9 << 20, seed: 5)
            try replaceFile(path, with: content)
            let sink = ActingSink { rename(path, "\(path).old") }
            try await fileBackend(roots: [root]).fetch(try Self.request(path), into: sink)
            #expect(sink.bytes == content.count)
        }
    }
}

/// Does something at the first bytes.
private final class ActingSink: ContentSink {
    private let action: @Sendable () -> Void
    private let count = Mutex(0)

    init(_ action: @escaping @Sendable () -> some Any) { self.action = { _ = action() } }

    var bytes: Int { count.withLock { $0 } }

    func begin(_ head: ContentHead) throws {}

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let isFirst = count.withLock { count in
            count += bytes.count
            return count == bytes.count
        }
        if isFirst { action() }
        return .consumed
    }
}
