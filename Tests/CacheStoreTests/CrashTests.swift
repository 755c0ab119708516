import CacheStore
import Content
import Foundation
import TestSupport
import Testing

/// A process is killed at every step; what it leaves must be whole or forgotten, and usable.
@Suite struct CrashTests {
    private let names = ["a", "b", "c", "d", "same"]
    private let size = 1_500_000

    /// Same as in store-crash.
    private func content(_ name: String) -> [UInt8] { sample(size, seed: name == "same" ? "d" : name) }

    /// Returns whether the process was killed by its fuse.
    private func crash(_ directory: String, _ scenario: String, _ step: String, _ count: Int) async throws -> Bool {
        let tool = try builtExecutable("store-crash")
        let arguments = [directory, scenario, step, String(count)]
        return try await withProcess(RunningProcess.Command(tool, arguments)) { process in
            await process.end().status == .signal(9)
        }
    }

    static let steps: [(String, Int)] = [
        ("created", 1), ("created", 3), ("written", 1), ("written", 4), ("hashed", 2), ("hashed", 9), ("journaled", 3),
        ("journaled", 12), ("index-before", 1), ("index-before", 4), ("index-after", 1), ("index-after", 5),
        ("verified", 1), ("verified", 4), ("synced", 1), ("synced", 3), ("renamed", 1), ("renamed", 3), ("settled", 1),
        ("settled", 4), ("trashed", 1), ("closed", 1),
    ]

    @Test(arguments: steps.flatMap { step in ["fill", "evict", "alone"].map { ($0, step.0, step.1) } })
    func whatIsLeftIsWholeOrForgotten(scenario: String, step: String, count: Int) async throws {
        try await withDirectory { directory in
            #expect(try await crash(directory, scenario, step, count))
            let store = try await openStore(directory)
            var used: Int64 = 0
            var contents: Set<[UInt8]> = []
            for name in names {
                guard let record = store.record(of: taskID(name)), let file = try store.open(taskID(name)) else {
                    continue
                }
                let bytes = content(name)
                #expect(record.metadata == Array(name.utf8))
                if scenario == "alone" {
                    #expect(file.pieceDigests.isEmpty)
                    try await file.makeDigests()
                }
                for piece in file.committed {
                    let range = try #require(file.layout.range(of: piece))
                    let part = try await file.readCommitted(range)
                    #expect(part == Array(bytes[Int(range.offset)..<Int(range.end)]))
                    #expect(file.digest(of: piece) == Digest.of(part))
                }
                if case .complete(let digest) = record.state {
                    #expect(digest == Digest.of(bytes))
                    #expect(try await file.readAll() == bytes)
                    if contents.insert(bytes).inserted { used += Int64(size) }
                } else {
                    used += Int64(size)
                }
            }
            #expect(store.usage.used == used)
            await store.settled()
            try await expectNoOrphans(directory, store.usage.objects)
            try await finishEverything(store)
            await store.close()
        }
    }

    private func expectNoOrphans(_ directory: String, _ objects: Int) async throws {
        let all = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
        let files = all.filter {
            $0.hasPrefix("incoming/") || ($0.hasPrefix("objects/") && $0.split(separator: "/").count == 4)
        }
        #expect(files.count == objects, "\(files)")
    }

    /// The same work can be done again on top of what was left.
    private func finishEverything(_ store: CacheStore) async throws {
        for name in names {
            let bytes = content(name)
            let file = try store.create(
                taskID(name),
                generation: generation(),
                layout: PieceLayout(length: Int64(size)),
                metadata: [],
                contentHash: .sha256
            )
            if !file.isWhole { try await file.fill(bytes) }
            #expect(try await file.readAll() == bytes)
            try await store.complete(file, expecting: [Digest.of(bytes)], hashContent: true)
        }
        #expect(store.usage.used == 4 * Int64(size))
    }

    @Test(arguments: [
        ("written", 1), ("written", 4), ("hashed", 3), ("journaled", 1), ("journaled", 5), ("target-whole", 1),
        ("target-renamed", 1),
    ])
    func aKilledDownloadIsResumed(step: String, count: Int) async throws {
        try await withDirectory { directory in
            #expect(try await crash(directory, "target", step, count))
            let path = "\(directory)/out"
            let bytes = content("a")
            if FileManager.default.fileExists(atPath: path) {
                #expect(FileManager.default.contents(atPath: path) == Data(bytes))
            }
            let target = try await TargetFile.open(
                path: path,
                task: taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: Int64(size)),
                threads: WorkerThreads(count: 1)
            )
            if step == "journaled" { #expect(target.file.committed.count == count) }
            for piece in target.file.committed {
                let range = try #require(target.file.layout.range(of: piece))
                #expect(try await target.file.readCommitted(range) == Array(bytes[Int(range.offset)..<Int(range.end)]))
            }
            try await target.file.fill(bytes)
            try target.finish()
            #expect(FileManager.default.contents(atPath: path) == Data(bytes))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["out"])
        }
    }
}
