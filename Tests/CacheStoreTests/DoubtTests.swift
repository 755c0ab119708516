import Content
import Foundation
import NodeConfig
import Testing

@testable import CacheStore

@Suite struct DoubtTests {
    private func objectPath(_ directory: String, _ digest: Digest) -> String {
        "\(directory)/objects/sha256/\(digest.hex.prefix(2))/\(digest.hex)"
    }

    private func overwrite(_ path: String, at offset: UInt64, keepingTimes: Bool = false) throws {
        let before = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate]
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seek(toOffset: offset)
        try handle.write(contentsOf: Data([1, 2, 3, 4]))
        try handle.close()
        if keepingTimes, let before {
            try FileManager.default.setAttributes([.modificationDate: before], ofItemAtPath: path)
        }
    }

    private func open(_ directory: String, boot: String, servesPieces: Bool) async throws -> CacheStore {
        try await CacheStore.open(
            StoreConfiguration(
                directory: directory,
                freeSpaceFloor: ByteCount(bytes: 0),
                servesPieces: servesPieces
            ),
            logger: quiet,
            bootID: boot
        )
    }

    @Test(arguments: [true, false])
    func aChangedObjectIsNotServed(servesPieces: Bool) async throws {
        let content = sample(600_000)
        try await withDirectory { directory in
            let store = try await openStore(directory, servesPieces: servesPieces)
            let digest = try #require(try await store.put("a", content, isNamed: servesPieces))
            await store.settled()
            try overwrite(objectPath(directory, digest), at: 300_000)
            #expect(try store.open(taskID("a")) == nil)
            #expect(try await store.openVerified(taskID("a")) == nil)
            #expect(store.record(of: taskID("a")) == nil)
            #expect(store.usage.used == 0)
            // And can be had again.
            try await store.put("a", content)
            #expect(try await store.openVerified(taskID("a"))?.readAll() == content)
            await store.close()
        }
    }

    @Test(arguments: [true, false])
    func aTouchedObjectIsServedOnceVerified(servesPieces: Bool) async throws {
        let content = sample(600_000)
        try await withDirectory { directory in
            var store = try await openStore(directory, servesPieces: servesPieces)
            let digest = try #require(try await store.put("a", content, isNamed: servesPieces))
            await store.close()
            let path = objectPath(directory, digest)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 9)],
                ofItemAtPath: path
            )
            store = try await openStore(directory)
            #expect(try await store.openVerified(taskID("a"))?.readAll() == content)
            await store.close()
            store = try await openStore(directory)
            #expect(try store.open(taskID("a")) != nil)
            try FileManager.default.removeItem(atPath: path)
            await store.close()
            store = try await openStore(directory)
            #expect(store.record(of: taskID("a")) == nil)
            await store.close()
        }
    }

    @Test func sharingDoesNotTrustAChangedObject() async throws {
        let content = sample(600_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let digest = try #require(try await store.put("a", content))
            await store.settled()
            try overwrite(objectPath(directory, digest), at: 1)
            try await store.put("b", content)
            await store.settled()
            #expect(try await store.openVerified(taskID("b"))?.readAll() == content)
            // The other task gets the good bytes with it.
            #expect(try await store.openVerified(taskID("a"))?.readAll() == content)
            #expect(store.usage.used == 600_000)
            #expect(FileManager.default.contents(atPath: objectPath(directory, digest)) == Data(content))
            await store.close()
        }
    }

    @Test(arguments: [true, false])
    func theScrubberFindsWhatTimesDoNotShow(servesPieces: Bool) async throws {
        let content = sample(600_000)
        try await withDirectory { directory in
            let store = try await CacheStore.open(
                StoreConfiguration(
                    directory: directory,
                    freeSpaceFloor: ByteCount(bytes: 0),
                    scrubRate: .gibibytes(1000),
                    servesPieces: servesPieces
                ),
                logger: quiet
            )
            let digest = try #require(try await store.put("a", content, isNamed: servesPieces))
            try await store.put("b", sample(300_000, seed: 2), isNamed: servesPieces)
            await store.settled()
            let scrubber = Scrubber(store)
            await scrubber.pass()
            #expect(store.usage.tasks == 2)
            let path = objectPath(directory, digest)
            let known = try #require(FileStamp(path: path))
            try overwrite(path, at: 599_000)
            var times = [timespec(), timespec()]
            times[0].tv_nsec = (1 << 30) - 2
            times[1] = timespec(
                tv_sec: Int(known.modified / 1_000_000_000),
                tv_nsec: Int(known.modified % 1_000_000_000)
            )
            #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
            let reader = try #require(try store.open(taskID("a")))
            await scrubber.pass()
            #expect(store.record(of: taskID("a")) == nil)
            #expect(store.record(of: taskID("b")) != nil)
            #expect(reader.failure?.code == .corrupt)
            await store.close()
        }
    }

    @Test(arguments: [(true, false), (false, false), (true, true)], [true, false])
    func afterAnUncleanBootPiecesAreHashedAgain(boot: (isSame: Bool, isClean: Bool), servesPieces: Bool) async throws {
        let (sameBoot, isClean) = boot
        let content = sample(1_000_000)
        try await withDirectory { directory in
            var store: CacheStore? = try await open(directory, boot: "one", servesPieces: servesPieces)
            var file: PieceFile? = try store?.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: 1_000_000),
                metadata: [],
                contentHash: .sha256
            )
            try await file?.fill(content, isNamed: servesPieces)
            #expect(file?.pieceDigests.count == (servesPieces ? 4 : 0))
            file = nil
            try await store?.writer.flush()
            if isClean { await store?.close() } else { store?.lock.release() }
            let incoming = try #require(
                try FileManager.default.contentsOfDirectory(atPath: "\(directory)/incoming").first
            )
            // As if the kernel had not got round to writing these.
            try overwrite("\(directory)/incoming/\(incoming)", at: 300_000)
            store = nil
            let again = try await open(
                directory,
                boot: sameBoot && !isClean ? "one" : "two",
                servesPieces: servesPieces
            )
            let expected: PieceSet = sameBoot ? [0, 1, 2, 3] : [0, 2, 3]
            #expect(again.record(of: taskID("a"))?.state == .incomplete(expected))
            #expect(try again.open(taskID("a"))?.committed == expected)
            await again.close()
        }
    }

    @Test func afterAnotherBootATargetsPiecesAreHashedAgain() async throws {
        let content = sample(1_000_000)
        let threads = WorkerThreads(count: 2)
        try await withDirectory { directory in
            for (boot, expected) in [("one", PieceSet()), ("one", [0, 1, 2, 3]), ("two", [0, 2, 3])] {
                let target = try await TargetFile.open(
                    path: "\(directory)/out",
                    task: taskID("a"),
                    generation: generation(),
                    layout: PieceLayout(length: 1_000_000),
                    keepsForeign: false,
                    contentHash: nil,
                    threads: threads,
                    faults: .none,
                    bootID: boot
                )
                #expect(target.file.committed == expected)
                try await target.file.fill(content)
                target.abandon(keep: true)
                if !expected.isEmpty { try overwrite("\(directory)/.out.darter", at: 300_000) }
            }
        }
    }

    @Test func aBrokenIndexIsAnEmptyCache() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            try await store.put("a", sample(10))
            await store.close()
            try Data("no database".utf8).write(to: URL(fileURLWithPath: "\(directory)/index.sqlite"))
            let again = try await openStore(directory)
            #expect(again.records().isEmpty)
            try await again.put("a", sample(10))
            #expect(again.usage.used == 10)
            await again.close()
        }
    }
}
