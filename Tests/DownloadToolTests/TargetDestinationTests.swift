import BackendAPI
import CacheStore
import Content
import Foundation
import OriginFetch
import PeerEngine
import TestSupport
import Testing

@testable import DownloadTool

@Suite struct TargetDestinationTests {
    private let task = TaskID(url: "http://host/file")
    private let content = randomBytes(700_000, seed: 5)
    private let layout = PieceLayout(length: 700_000)
    private let generation = Generation(length: 700_000, validator: "\"a\"")
    private let record = OriginRecord(
        url: ResourceURL("http://host/file"),
        digest: nil,
        validators: Validators(entityTag: "\"a\""),
        openAccess: true
    )

    private func destination(_ path: String, _ digests: [Digest] = []) -> TargetDestination {
        TargetDestination(path: path, task: task, verifying: digests, threads: WorkerThreads(count: 1))
    }

    private func fill(_ file: PieceFile, _ pieces: Range<Int>, with bytes: [UInt8]) async throws {
        for piece in pieces.map({ PieceIndex($0) }) {
            let range = try #require(file.layout.range(of: piece))
            try bytes[Int(range.offset)..<Int(range.end)].withUnsafeBytes { try file.write($0, at: range.offset) }
            _ = try await file.commit(piece, expecting: nil)
        }
    }

    private func names(_ directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    }

    @Test("The output appears whole and alone")
    func finish() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/out"
            let place = destination(path, [Digest.of(content), Digest.of(content, .md5), Digest.of(content, .sha512)])
            let file = try place.create(record, generation: generation, layout: layout)
            try await fill(file, 0..<3, with: content)
            #expect(!FileManager.default.fileExists(atPath: path))
            try await place.finish(file, expected: [], verified: true)
            #expect(try names(directory) == ["out"])
            #expect(FileManager.default.contents(atPath: path) == Data(content))
        }
    }

    @Test("Whoever reads a version that another one replaces is told so")
    func change() async throws {
        try await withTemporaryDirectory { directory in
            let place = destination(directory + "/out")
            let old = try place.create(record, generation: generation, layout: layout)
            let other = Generation(length: 700_000, validator: "\"b\"")
            _ = try place.create(record, generation: other, layout: layout)
            let error = await #expect(throws: StoreError.self) { _ = try await old.available(from: 0) }
            let told = try ToolFailure(any: #require(error))
            #expect(told.status == .origin)
            #expect(told.message == "the content changed while it was read; run the same command again")
        }
    }

    @Test("A wrong digest leaves what was there before and nothing else")
    func mismatch() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/out"
            try Data("before".utf8).write(to: URL(filePath: path))
            let place = destination(path, [Digest.of(content), Digest.of([1], .md5)])
            let file = try place.create(record, generation: generation, layout: layout)
            try await fill(file, 0..<3, with: content)
            let error = await #expect(throws: StoreError.self) {
                try await place.finish(file, expected: [], verified: true)
            }
            #expect(error?.code == .contentMismatch)
            place.abandon(keep: false)
            #expect(try names(directory) == ["out"])
            #expect(FileManager.default.contents(atPath: path) == Data("before".utf8))
        }
    }

    @Test("The next run goes on with the committed pieces and the origin's validators")
    func resume() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/out"
            let first = destination(path)
            let file = try first.create(record, generation: generation, layout: layout)
            try await fill(file, 0..<2, with: content)
            first.abandon(keep: true)

            let second = destination(path)
            try await second.resume()
            let earlier = try #require(second.earlier())
            #expect(earlier.record == record)
            #expect(earlier.file.committed.count == 2)
            try await fill(earlier.file, 2..<3, with: content)
            try await second.finish(earlier.file, expected: [Digest.of(content)], verified: false)
            #expect(try names(directory) == ["out"])
            #expect(FileManager.default.contents(atPath: path) == Data(content))
        }
    }

    @Test("A link to nothing stays one: everything is beside what it points to, and resumed from there")
    func danglingLink() async throws {
        try await withTemporaryDirectory { directory in
            let link = directory + "/link"
            try FileManager.default.createDirectory(atPath: directory + "/far", withIntermediateDirectories: false)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "far/real")
            try OutputPlace(link, for: nil).check()
            let first = destination(link)
            try await fill(try first.create(record, generation: generation, layout: layout), 0..<2, with: content)
            first.abandon(keep: true)
            #expect(try names(directory + "/far") == [".real.darter", ".real.darter.origin", ".real.darter.state"])
            #expect(try names(directory) == ["far", "link"])

            let second = destination(link)
            try await second.resume()
            let earlier = try #require(second.earlier())
            try await fill(earlier.file, 2..<3, with: content)
            try await second.finish(earlier.file, expected: [Digest.of(content)], verified: false)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "far/real")
            #expect(try names(directory + "/far") == ["real"])
            #expect(FileManager.default.contents(atPath: directory + "/far/real") == Data(content))
        }
    }

    @Test("Pieces of another version are not mixed with what an origin sends")
    func otherVersion() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory + "/out"
            let first = destination(path)
            try await fill(try first.create(record, generation: generation, layout: layout), 0..<2, with: content)
            first.abandon(keep: true)

            let second = destination(path)
            try await second.resume()
            let other = Generation(length: 700_000, validator: "\"b\"")
            // A supernode's manifest may vouch for them, and until then no origin may continue them.
            let mixed = try second.open(record, generation: other, layout: layout)
            #expect(mixed.generation == other)
            #expect(mixed.committed.isEmpty)
            #expect(second.earlier() == nil)
            let piece = PieceIndex(1)
            let range = try #require(layout.range(of: piece))
            #expect(mixed.confirm(piece, Digest.of(Array(content[Int(range.offset)..<Int(range.end)]))))
            #expect(second.earlier()?.file.committed == [1])
            let fresh = try second.create(record, generation: other, layout: layout)
            #expect(fresh.committed.isEmpty)
            second.abandon(keep: true)
            #expect(try names(directory) == [])
        }
    }

    @Test("Two downloads to one output: the second is told")
    func locked() async throws {
        try await withTemporaryDirectory { directory in
            let first = destination(directory + "/out")
            _ = try first.create(record, generation: generation, layout: layout)
            let error = #expect(throws: StoreError.self) {
                try destination(directory + "/out").create(record, generation: generation, layout: layout)
            }
            #expect(error?.code == .locked)
            first.abandon(keep: false)
        }
    }

    @Test("Where nothing can be written, that is said before anything is fetched")
    func places() async throws {
        try await withTemporaryDirectory { directory in
            for (name, destination) in [("loop", "loop"), ("lost", "none/file")] {
                let link = "\(directory)/\(name)"
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: destination)
            }
            let names = ["", "/", "/none/file", "/loop", "/lost"]
            for path in names.map({ directory + $0 }) + ["/dev/null/file"] {
                let failure = #expect(throws: ToolFailure.self) { try OutputPlace(path, for: nil).check() }
                #expect(failure?.status == .local)
            }
            try OutputPlace(directory + "/file", for: nil).check()
        }
    }

    @Test("What can not be replaced is written to in order, like standard output")
    func streams() async throws {
        try await withTemporaryDirectory { directory in
            let pipe = directory + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            for path in ["-", "/dev/null", "/dev/stdout", "/dev/fd/1", pipe] {
                guard case .stream = try OutputPlace(path, for: nil) else {
                    Issue.record("\(path) is no stream")
                    continue
                }
            }
            for path in ["-", "/dev/stdout", "/proc/self/fd/1"] {
                let place = try OutputPlace(path, for: nil)
                #expect(place.isStandardOutput)
            }
            let null = try OutputPlace("/dev/null", for: nil)
            #expect(!null.isStandardOutput)
            let file = directory + "/file"
            for exists in [false, true] {
                if exists { #expect(FileManager.default.createFile(atPath: file, contents: nil)) }
                let place = try OutputPlace(file, for: nil)
                #expect(place == .file(path: file))
            }
        }
    }
}
