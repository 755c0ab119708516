import CacheStore
import Content
import Foundation
import Testing

@Suite struct TargetFileTests {
    private let threads = WorkerThreads(count: 2)

    private func open(
        _ path: String,
        _ length: Int64? = 1_000_000,
        _ version: UInt8 = 1,
        keepsForeign: Bool = false
    ) async throws -> TargetFile {
        try await TargetFile.open(
            path: path,
            task: taskID("a"),
            generation: generation(version),
            layout: PieceLayout(length: length),
            keepsForeign: keepsForeign,
            contentHash: .sha256,
            threads: threads
        )
    }

    @Test func theTargetAppearsWhole() async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let path = "\(directory)/out"
            let target = try await open(path)
            try await target.file.fill(content)
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(try await target.file.contentDigest() == Digest.of(content))
            try target.finish()
            #expect(FileManager.default.contents(atPath: path) == Data(content))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["out"])
            #expect(target.file.isUnchanged)
            #expect(try await target.file.readAll() == content)
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.truncate(atOffset: 10)
            #expect(!target.file.isUnchanged)
        }
    }

    @Test("A link stays one, and what it points to is replaced or made", arguments: [true, false])
    func links(isThere: Bool) async throws {
        try await withDirectory { directory in
            let manager = FileManager.default
            try manager.createDirectory(atPath: "\(directory)/far/off", withIntermediateDirectories: true)
            if isThere { try Data([1]).write(to: URL(fileURLWithPath: "\(directory)/far/real")) }
            try manager.createSymbolicLink(atPath: "\(directory)/link", withDestinationPath: "far/off/next")
            try manager.createSymbolicLink(atPath: "\(directory)/far/off/next", withDestinationPath: "../real")
            let first = try await open("\(directory)/link")
            try await first.file.fill(1, of: sample(1_000_000))
            #expect(manager.fileExists(atPath: "\(directory)/far/.real.darter"))
            first.abandon(keep: true)
            #expect(TargetFile.saved(at: "\(directory)/link")?.pieces.count == 1)
            let target = try await open("\(directory)/link")
            #expect(target.file.committed == [1])
            try await target.file.fill(sample(1_000_000))
            try target.finish()
            #expect(manager.contents(atPath: "\(directory)/far/real") == Data(sample(1_000_000)))
            #expect(try manager.destinationOfSymbolicLink(atPath: "\(directory)/link") == "far/off/next")
            #expect(try manager.destinationOfSymbolicLink(atPath: "\(directory)/far/off/next") == "../real")
            #expect(try manager.contentsOfDirectory(atPath: "\(directory)/far").sorted() == ["off", "real"])
        }
    }

    @Test func aLinkThatLeadsNowhereIsRefused() async throws {
        try await withDirectory { directory in
            for (name, destination) in [("loop", "loop"), ("lost", "none/file"), ("into", "none/")] {
                let link = "\(directory)/\(name)"
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: destination)
                #expect(await code { _ = try await open(link, 3) } == .invalidTarget)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 3)
        }
    }

    @Test func anInterruptedDownloadIsResumed() async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let path = "\(directory)/out"
            do {
                let target = try await open(path)
                try await target.file.fill(3, of: content)
                try await target.file.fill(1, of: content)
                try target.file.write([1, 2, 3], at: 0)
                target.abandon(keep: true)
            }
            #expect(TargetFile.saved(at: path)?.pieces.count == 2)
            let target = try await open(path)
            #expect(target.file.committed == [1, 3])
            try await target.file.fill(content)
            #expect(try await target.file.contentDigest() == Digest.of(content))
            try target.finish()
            #expect(FileManager.default.contents(atPath: path) == Data(content))
        }
    }

    @Test func ofAnotherGenerationOnlyWhatTheManifestNamesIsKept() async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let path = "\(directory)/out"
            do {
                let target = try await open(path)
                try await target.file.fill(content)
                target.abandon(keep: true)
            }
            let first = Digest.of(Array(content[..<262_144]))
            do {
                let target = try await open(path, 1_000_000, 2, keepsForeign: true)
                #expect(target.file.committed.isEmpty)
                target.file.trust()
                #expect(target.file.committed.isEmpty)
                #expect(target.file.confirm(PieceIndex(0), first))
                #expect(!target.file.confirm(PieceIndex(1), Digest.of("other")))
                #expect(target.file.committed == [0])
                target.abandon(keep: true)
            }
            do {
                // Only what was confirmed is this generation's.
                let target = try await open(path, 1_000_000, 2)
                #expect(target.file.committed == [0])
                #expect(target.file.digest(of: PieceIndex(0)) == first)
                target.abandon(keep: true)
            }
            do {
                let target = try await open(path, 1_000_000, 3)
                #expect(target.file.committed.isEmpty)
            }
        }
    }

    @Test(arguments: [0, 1, 40, 100, 163, 164, 200, 10_000])
    func aStateFileCutAnywhereIsUsable(cut: Int) async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let path = "\(directory)/out"
            do {
                let target = try await open(path)
                try await target.file.fill(content)
                target.abandon(keep: true)
            }
            let state = "\(directory)/.out.darter.state"
            let bytes = try #require(FileManager.default.contents(atPath: state))
            try bytes.prefix(cut).write(to: URL(fileURLWithPath: state))
            let target = try await open(path)
            try await target.file.fill(content)
            #expect(try await target.file.readAll() == content)
        }
    }

    @Test func aDamagedStateIsNotBelieved() async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let path = "\(directory)/out"
            do {
                let target = try await open(path)
                try await target.file.fill(content)
                target.abandon(keep: true)
            }
            let state = "\(directory)/.out.darter.state"
            var bytes = try #require(FileManager.default.contents(atPath: state))
            bytes[150] ^= 1
            try bytes.write(to: URL(fileURLWithPath: state))
            let target = try await open(path)
            #expect(target.file.committed.count < 4)
        }
    }

    @Test func aTargetThatCanNotBeIsRefused() async throws {
        try await withDirectory { directory in
            #expect(await code { _ = try await open(directory) } == .invalidTarget)
            #expect(await code { _ = try await open("\(directory)/missing/out") } == .invalidTarget)
            #expect(await code { _ = try await open("\(directory)/") } == .invalidTarget)
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/.evil.darter",
                withDestinationPath: "\(directory)/victim"
            )
            #expect(await code { _ = try await open("\(directory)/evil") } == .invalidTarget)
            #expect(!FileManager.default.fileExists(atPath: "\(directory)/victim"))
            let target = try await open("\(directory)/out", 0)
            #expect(await code { _ = try await open("\(directory)/out", 0) } == .locked)
            try FileManager.default.createDirectory(atPath: "\(directory)/out", withIntermediateDirectories: false)
            #expect(await code { try target.finish() } == .invalidTarget)
            let long = "\(directory)/" + String(repeating: "n", count: 255)
            let other = try await open(long, 0)
            try other.finish()
            #expect(FileManager.default.fileExists(atPath: long))
        }
    }

    @Test func anotherProcessReadsFromTheDescriptor() async throws {
        let content = sample(900_000)
        try await withDirectory { directory in
            let path = "\(directory)/out"
            let target = try await open(path, 900_000)
            #expect(target.file.manifest == nil)
            try await target.file.fill(content)
            try target.finish()
            let json = try JSONEncoder().encode(try #require(target.file.manifest))
            let manifest = try JSONDecoder().decode(PieceManifest.self, from: json)
            let file = try PieceFile(inherited: dup(target.file.descriptor), manifest, threads: threads)
            #expect(try await file.readAll() == content)
            #expect(await code { try file.write([1], at: 0) } == .readOnly)
            #expect(file.isUnchanged)
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.write(contentsOf: Data([0]))
            #expect(!file.isUnchanged)
        }
    }
}
