import CacheStore
import Content
import Foundation
import Testing

@Suite struct CacheStoreTests {
    @Test func completeContentSurvivesReopening() async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let digest = try #require(try await store.put("a", content))
            #expect(digest == Digest.of(content))
            store.setMetadata([7, 8], of: taskID("a"))
            await store.close()
            let path = "\(directory)/objects/sha256/\(digest.hex.prefix(2))/\(digest.hex)"
            #expect(FileManager.default.contents(atPath: path) == Data(content))

            let again = try await openStore(directory)
            let record = try #require(again.record(of: taskID("a")))
            #expect(record.state == .complete(digest))
            #expect(record.metadata == [7, 8])
            #expect(record.generation == generation())
            let file = try #require(try again.open(taskID("a")))
            #expect(try await file.readAll() == content)
            #expect(file.pieceDigests.count == 4)
            #expect(try again.open(content: digest) === file)
            #expect(again.usage.used == 1_000_000)
            #expect(again.usage.reserved == 0)
            await again.close()
        }
    }

    @Test func incompleteTasksAreResumed() async throws {
        let content = sample(1_000_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let file = try store.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: 1_000_000),
                metadata: [],
                contentHash: .sha256
            )
            try await file.fill(2, of: content)
            try await file.fill(0, of: content)
            await store.close()

            let again = try await openStore(directory)
            #expect(again.record(of: taskID("a"))?.state == .incomplete([0, 2]))
            #expect(again.usage.reserved == 1_000_000 - 2 * 262_144)
            let rest = try #require(try again.open(taskID("a")))
            try await rest.fill(1, of: content)
            try await rest.fill(3, of: content)
            #expect(
                try await again.complete(rest, expecting: [Digest.of(content)], hashContent: true)
                    == Digest.of(content)
            )
            #expect(again.usage.reserved == 0)
            await again.close()
        }
    }

    @Test func everybodyGetsTheSameFile() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let make = {
                try store.create(
                    taskID("a"),
                    generation: generation(),
                    layout: PieceLayout(length: 10),
                    metadata: [],
                    contentHash: nil
                )
            }
            let file = try make()
            #expect(try make() === file)
            #expect(try store.open(taskID("a")) === file)
            file.fail(StoreError(.failed, "gone"))
            #expect(try store.open(taskID("a"))?.failure == nil)
            let other = try store.create(
                taskID("a"),
                generation: generation(2),
                layout: PieceLayout(length: 10),
                metadata: [],
                contentHash: nil
            )
            #expect(other !== file)
            #expect(store.record(of: taskID("a"))?.generation == generation(2))
            #expect(store.usage.used == 20)
            // What was replaced goes on into nowhere.
            try await file.fill(sample(10))
            _ = try await store.complete(file, expecting: [], hashContent: true)
            #expect(store.record(of: taskID("a"))?.state == .incomplete([]))
            await store.close()
        }
    }

    @Test func sameContentIsKeptOnce() async throws {
        let content = sample(700_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            try await store.put("a", content)
            try await store.put("b", content)
            #expect(store.usage.objects == 1)
            #expect(store.usage.used == 700_000)
            store.remove(taskID("a"))
            #expect(try store.open(taskID("a")) == nil)
            #expect(try await store.open(taskID("b"))?.readAll() == content)
            #expect(try await store.open(content: Digest.of(content))?.readAll() == content)
            await store.close()
            let again = try await openStore(directory)
            #expect(try await again.open(taskID("b"))?.readAll() == content)
            again.remove(taskID("b"))
            #expect(again.usage.used == 0)
            await again.close()
            let left = FileManager.default.enumerator(atPath: directory)?.compactMap { $0 as? String } ?? []
            #expect(!left.contains { $0.hasPrefix("incoming/") || $0.split(separator: "/").count == 4 })
        }
    }

    @Test(arguments: [Digest.Algorithm.sha256, .sha512, .md5])
    func wrongContentIsForgotten(algorithm: Digest.Algorithm) async throws {
        let content = sample(300_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let file = try store.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: 300_000),
                metadata: [],
                contentHash: algorithm
            )
            try await file.fill(content)
            let failure = await code {
                try await store.complete(file, expecting: [Digest.of("other", algorithm)], hashContent: true)
            }
            #expect(failure == .contentMismatch)
            #expect(store.record(of: taskID("a")) == nil)
            #expect(file.failure?.code == .contentMismatch)
            await store.close()
        }
    }

    @Test func contentIsNamedWithoutHashingWhereThatIsNotAsked() async throws {
        let content = sample(600_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let sha512 = Digest.of(content, .sha512)
            for (name, expected) in [("a", []), ("b", [sha512])] {
                let file = try store.create(
                    taskID(name),
                    generation: generation(),
                    layout: PieceLayout(length: 600_000),
                    metadata: [],
                    contentHash: nil
                )
                try await file.fill(content)
                #expect(
                    try await store.complete(file, expecting: expected, hashContent: false) == expected.first
                )
            }
            #expect(store.usage.objects == 1)
            await store.close()
            let again = try await openStore(directory)
            #expect(try await again.open(content: sha512)?.readAll() == content)
            await again.close()
        }
    }

    @Test func readersGoOnAfterRemoval() async throws {
        let content = sample(500_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            try await store.put("a", content)
            await store.settled()
            var file = try store.open(taskID("a"))
            store.remove(taskID("a"))
            #expect(store.usage.used == 500_000)
            #expect(try await file?.readAll() == content)
            file = nil
            #expect(store.usage.used == 0)
            await store.close()
        }
    }

    @Test func oneProcessOwnsTheDirectory() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            var message = ""
            do { _ = try await openStore(directory) } catch let error as StoreError {
                #expect(error.code == .locked)
                message = error.message
            }
            #expect(message.contains("pid \(ProcessInfo.processInfo.processIdentifier)"))
            await store.close()
            await (try openStore(directory)).close()
        }
    }
}
