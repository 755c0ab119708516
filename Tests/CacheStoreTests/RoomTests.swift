import CacheStore
import Content
import Foundation
import Glibc
import Testing

@Suite struct RoomTests {
    private let size = 400_000

    private func content(_ name: String) -> [UInt8] { sample(size, seed: UInt64(name.utf8.first ?? 0)) }

    private func make(_ name: String, _ length: Int64?, in store: CacheStore) throws -> PieceFile {
        try store.create(
            taskID(name),
            generation: generation(),
            layout: PieceLayout(length: length),
            metadata: [],
            contentHash: nil
        )
    }

    @Test func theLongestUnusedGoesFirst() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, quota: 1_300_000)
            for name in ["a", "b", "c"] { try await store.put(name, content(name)) }
            await store.settled()
            store.touch(taskID("a"))
            try await store.put("d", content("d"))
            await store.settled()
            #expect(store.record(of: taskID("b")) == nil)
            #expect(["a", "c", "d"].allSatisfy { store.record(of: taskID($0)) != nil })
            #expect(store.usage.used == 1_200_000)
            store.pin(taskID("c"))
            let reader = try store.open(taskID("a"))
            try await store.put("e", content("e"))
            #expect(store.record(of: taskID("d")) == nil)
            #expect(try await reader?.readAll() == content("a"))
            await store.close()
        }
    }

    @Test func nothingIsEvictedForWhatCanNotFit() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, quota: 1_300_000)
            for name in ["a", "b", "c"] { try await store.put(name, content(name)) }
            await store.settled()
            #expect(await code { _ = try make("x", 1_300_001, in: store) } == .quotaExceeded)
            store.pin(taskID("a"))
            #expect(await code { _ = try make("x", 1_000_000, in: store) } == .quotaExceeded)
            #expect(store.usage.tasks == 3)
            store.unpin(taskID("a"))
            let file = try make("x", 1_300_000, in: store)
            #expect(store.usage.tasks == 1)
            #expect(store.usage.reserved == 1_300_000)
            // What is reserved and held can not be evicted either.
            #expect(await code { _ = try make("y", 1, in: store) } == .quotaExceeded)
            _ = file
            await store.close()
        }
    }

    @Test func contentOfUnknownLengthStopsAtTheQuota() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, quota: 3_000_000)
            try await store.put("a", content("a"))
            await store.settled()
            let file = try make("x", nil, in: store)
            let bytes = sample(1 << 20)
            for piece in 0..<2 {
                try file.write(bytes, at: Int64(piece) << 20)
                try await file.commit(PieceIndex(piece), expecting: nil)
            }
            #expect(await code { try file.write(bytes, at: 2 << 20) } == .quotaExceeded)
            #expect(file.committed == [0, 1])
            #expect(try await file.readCommitted(ByteRange(0..<1 << 20)) == bytes)
            await store.close()
        }
    }

    @Test func theFreeSpaceFloorIsKept() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, floor: .max / 2)
            #expect(await code { _ = try make("x", 1, in: store) } == .diskFull)
            #expect(store.usage.used == 0)
            await store.close()
        }
    }

    @Test func abandonedDownloadsGoWhenNothingElseIsLeft() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, quota: 1_000_000)
            do {
                let file = try make("x", 500_000, in: store)
                try await file.fill(0, of: sample(500_000))
            }
            try await store.put("a", content("a"))
            await store.settled()
            try await store.put("b", content("b"))
            #expect(store.record(of: taskID("a")) == nil)
            #expect(store.record(of: taskID("x")) != nil)
            await store.settled()
            try await store.put("c", sample(500_000))
            #expect(store.record(of: taskID("x")) != nil)
            await store.settled()
            let all = try make("y", 1_000_000, in: store)
            #expect(store.usage.tasks == 1)
            _ = all
            await store.close()
        }
    }

    static let canMount = geteuid() == 0

    /// A file system of 8 MiB.
    private func withSmallDisk(_ body: (String) async throws -> Void) async throws {
        try await withDirectory { directory in
            guard mount("darter", directory, "tmpfs", 0, "size=8m") == 0 else { return }
            do {
                try await body(directory)
            } catch {
                umount2(directory, Int32(MNT_DETACH))
                throw error
            }
            umount2(directory, Int32(MNT_DETACH))
        }
    }

    @Test(.enabled(if: canMount, "mounting needs root")) func aFullDiskLosesNothing() async throws {
        let bytes = sample(1_000_000)
        try await withSmallDisk { disk in
            let store = try await openStore("\(disk)/store")
            try await store.put("a", content("a"))
            await store.settled()
            #expect(await code { _ = try make("x", 20_000_000, in: store) } == .diskFull)
            #expect(store.record(of: taskID("a")) != nil)
            let refused = await code {
                _ = try await TargetFile.open(
                    path: "\(disk)/out",
                    task: taskID("o"),
                    generation: generation(),
                    layout: PieceLayout(length: 20_000_000),
                    threads: store.hashThreads
                )
            }
            #expect(refused == .diskFull)
            #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == ["store"])
            let file = try make("x", 1_000_000, in: store)
            try await file.fill(0, of: bytes)
            // Somebody else takes the room that was there when it was reserved.
            let filler = open("\(disk)/filler", O_WRONLY | O_CREAT, 0o600)
            let block = [UInt8](repeating: 1, count: 65_536)
            while Glibc.write(filler, block, block.count) > 0 {}
            while Glibc.write(filler, block, 1) > 0 {}
            #expect(await code { try await file.fill(1, of: bytes) } == .diskFull)
            // A few bytes wait for more; that there is no room for them is told when their piece is committed.
            try file.write(Array(bytes[524_288..<524_298]), at: 524_288)
            #expect(await code { try await file.commit(PieceIndex(2), expecting: nil) } == .diskFull)
            #expect(file.committed == [0])
            #expect(try await file.readCommitted(ByteRange(0..<262_144)) == Array(bytes[..<262_144]))
            #expect(try await store.open(taskID("a"))?.readAll() == content("a"))
            store.setMetadata([UInt8](repeating: 5, count: 100_000), of: taskID("a"))
            ftruncate(filler, 0)
            close(filler)
            for piece in 1..<4 { try await file.fill(piece, of: bytes) }
            try await store.complete(file, expecting: [Digest.of(bytes)], hashContent: true)
            await store.close()
            let again = try await openStore("\(disk)/store")
            #expect(try await again.open(taskID("x"))?.readAll() == bytes)
            #expect(again.record(of: taskID("a"))?.metadata.count == 100_000)
            await again.close()
        }
    }

    @Test(.enabled(if: canMount, "mounting needs root"), arguments: [false, true])
    func aFullDiskStopsContentOfUnknownLength(isOutput: Bool) async throws {
        let bytes = sample(1 << 20)
        try await withSmallDisk { disk in
            let store = try await openStore("\(disk)/store")
            try await store.put("a", content("a"))
            await store.settled()
            let file =
                try await isOutput
                ? TargetFile.open(
                    path: "\(disk)/out",
                    task: taskID("x"),
                    generation: generation(),
                    layout: PieceLayout(length: nil),
                    threads: store.hashThreads
                ).file : make("x", nil, in: store)
            var piece = 0
            let refusal = await code {
                while true {
                    try file.write(bytes, at: Int64(piece) << 20)
                    try await file.commit(PieceIndex(piece), expecting: Digest.of(bytes))
                    piece += 1
                }
            }
            #expect(refusal == .diskFull)
            #expect((4...7).contains(piece))
            #expect(file.committed == PieceSet(all: piece))
            for piece in 0..<piece {
                let start = Int64(piece) << 20
                #expect(try await file.readCommitted(ByteRange(start..<start + 1 << 20)).elementsEqual(bytes))
            }
            #expect(try await store.open(taskID("a"))?.readAll() == content("a"))
            // With the other content gone it goes on where it was.
            store.remove(taskID("a"))
            await store.settled()
            try file.write(Array(bytes[..<200_000]), at: Int64(piece) << 20)
            try file.learn(length: Int64(piece) << 20 + 200_000)
            try await file.commit(PieceIndex(piece), expecting: Digest.of(Array(bytes[..<200_000])))
            #expect(file.isWhole)
            await store.close()
        }
    }

    @Test("An origin may announce any length: what can not be had is refused", arguments: [nil, 1_000_000] as [Int64?])
    func anImpossibleLength(quota: Int64?) async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, quota: quota)
            _ = try make("a", 1000, in: store)
            let refusal = await code { _ = try make("x", .max, in: store) }
            #expect(refusal == (quota == nil ? .diskFull : .quotaExceeded))
            await store.close()
        }
    }
}
