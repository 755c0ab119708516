import CacheStore
import Content
import Glibc
import Testing

@Suite struct PieceFileTests {
    private func withFile(
        _ length: Int?,
        _ body: (CacheStore, PieceFile) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let file = try store.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: length.map(Int64.init)),
                metadata: [1],
                contentHash: .sha256
            )
            try await body(store, file)
            await store.close()
        }
    }

    @Test(arguments: [0, 1, 262_144, 262_145, 1_000_000])
    func everyLengthArrivesWhole(length: Int) async throws {
        let content = sample(length)
        try await withFile(length) { store, file in
            for piece in (0..<(file.layout.pieceCount ?? 0)).reversed() { try await file.fill(piece, of: content) }
            #expect(file.isWhole)
            #expect(file.bytesCommitted == Int64(length))
            #expect(try await file.readAll() == content)
            #expect(try await file.contentDigest() == Digest.of(content))
            #expect(try await file.contentDigest(.md5) == Digest.of(content, .md5))
        }
    }

    @Test("Who takes the origin's bytes before their piece is committed gets them once there are so many without a gap")
    func early() async throws {
        let content = sample(600_000)
        try await withFile(600_000) { _, file in
            async let waiting = file.arrival(from: 0, early: 65_536)
            async let patient = file.available(from: 0)
            try file.write(Array(content[262_144...]), at: 262_144, from: .origin)
            try await file.commit(PieceIndex(1), expecting: nil)
            try file.write(Array(content[40_000..<262_144]), at: 40_000, from: .origin)
            let cancelled = Task.immediate { try await file.arrival(from: 0, early: 65_536) }
            cancelled.cancel()
            #expect(await code { _ = try await cancelled.value } == .cancelled)
            try file.write(Array(content[..<40_000]), at: 0, from: .origin)
            try file.write(Array(content[40_000..<262_144]), at: 40_000, from: .origin)
            guard case .early(let range) = try await waiting else { throw StoreError(.failed, "it is not committed") }
            #expect(range.offset == 0 && range.count >= 65_536)
            // Never all of a piece.
            #expect(try await file.arrival(from: 100_000, early: 65_536) == .early(ByteRange(100_000..<262_143)))
            #expect(!file.committed.contains(PieceIndex(0)))
            #expect(try file.early(range) == Array(content[..<Int(range.end)]))
            try await file.commit(PieceIndex(0), expecting: nil)
            let committed = ByteRange(0..<524_288)
            #expect(try await patient.offset == 0)
            #expect(try await file.arrival(from: 0, early: 65_536) == .committed(committed))
            #expect(try file.early(range) == Array(content[..<Int(range.end)]))
        }
    }

    @Test(
        "Bytes that somebody else has sent are nobody's before they are committed, nor are those of the origin beside them"
    )
    func notEarly() async throws {
        let content = sample(600_000)
        try await withFile(600_000) { _, file in
            let waiting = Task.immediate { try await file.arrival(from: 0, early: 65_536) }
            try file.write(Array(content[..<200_000]), at: 0)
            try file.write(Array(content[..<200_000]), at: 0, from: .origin)
            try file.write(Array(content[262_144..<500_000]), at: 262_144, from: .origin)
            let early = try await file.arrival(from: 262_144, early: 65_536)
            #expect(early == .early(ByteRange(262_144..<491_520)))
            try file.write([0], at: 300_000)
            // Whoever was about to read them does not get them.
            #expect(try file.early(ByteRange(262_144..<491_520)) == nil)
            #expect(try file.early(ByteRange(0..<100)) == nil)
            try await file.fill(0, of: content)
            #expect(try await waiting.value == .committed(ByteRange(0..<262_144)))
            let doubtful = Task.immediate { try await file.arrival(from: 262_144, early: 65_536) }
            file.fail(StoreError(.failed, "the origin is gone"))
            #expect(await code { _ = try await doubtful.value } == .failed)
            #expect(await code { _ = try await file.arrival(from: 262_144, early: 65_536) } == .failed)
        }
    }

    @Test("What was written and is in doubt now is nobody's, and what may be the end is never early")
    func noEarlyEnd() async throws {
        let content = sample(131_072)
        try await withFile(nil) { _, file in
            try file.write(content, at: 0, from: .origin)
            #expect(try await file.arrival(from: 0, early: 65_536) == .early(ByteRange(0..<131_071)))
            file.doubt()
            #expect(try file.early(ByteRange(0..<131_071)) == nil)
        }
    }

    @Test func nothingUncommittedCanBeRead() async throws {
        let content = sample(600_000)
        try await withFile(600_000) { _, file in
            try file.write(content, at: 0)
            var buffer = [UInt8](repeating: 0, count: 10)
            let early = await code {
                _ = try buffer.withUnsafeMutableBytes { try file.read(ByteRange(0..<10), into: $0) }
            }
            #expect(early == .outOfRange)
            try await file.commit(PieceIndex(1), expecting: nil)
            let across = await code {
                _ = try buffer.withUnsafeMutableBytes { try file.read(ByteRange(262_140..<262_150), into: $0) }
            }
            #expect(across == .outOfRange)
            _ = try buffer.withUnsafeMutableBytes { try file.read(ByteRange(262_144..<262_154), into: $0) }
            #expect(buffer == Array(content[262_144..<262_154]))
        }
    }

    @Test func wrongBytesAreNotCommittedAndCanBeReplaced() async throws {
        let content = sample(300_000)
        try await withFile(300_000) { _, file in
            try file.write(sample(262_144, seed: 9), at: 0)
            let right = Digest.of(Array(content[..<262_144]))
            let failure = await code { try await file.commit(PieceIndex(0), expecting: right) }
            #expect(failure == .digestMismatch)
            #expect(file.committed.isEmpty)
            #expect(file.digest(of: PieceIndex(0)) == nil)
            try await file.fill(content)
            #expect(try await file.contentDigest() == Digest.of(content))
        }
    }

    @Test func committedPiecesAreNeverTouched() async throws {
        let content = sample(524_288)
        try await withFile(524_288) { _, file in
            try await file.fill(0, of: content)
            try file.write(sample(524_288, seed: 5), at: 0)
            try await file.fill(1, of: content)
            #expect(try await file.readAll() == content)
            let other = await code { try await file.commit(PieceIndex(0), expecting: Digest.of("x")) }
            #expect(other == .digestMismatch)
            #expect(try await file.commit(PieceIndex(0), expecting: nil) == Digest.of(Array(content[..<262_144])))
        }
    }

    @Test(arguments: [(300_000, 0, 300_001), (300_000, 299_999, 2), (300_000, -1, 1), (300_000, Int64.max, 1)])
    func bytesOutsideAreRefused(length: Int, offset: Int64, count: Int) async throws {
        try await withFile(length) { _, file in
            let failure = await code { try file.write([UInt8](repeating: 0, count: count), at: offset) }
            #expect(failure == .outOfRange)
        }
    }

    @Test func readersFollowTheWriter() async throws {
        let content = sample(2_000_000)
        try await withFile(2_000_000) { _, file in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 { group.addTask { try await file.readAll() == content } }
                for piece in (0..<8).reversed() { try await file.fill(piece, of: content) }
                for try await isSame in group { #expect(isSame) }
            }
        }
    }

    @Test func failureAndCancellationReachTheReaders() async throws {
        try await withFile(1_000_000) { _, file in
            await withTaskGroup(of: StoreError.Code?.self) { group in
                group.addTask { await code { _ = try await file.available(from: 5) } }
                group.addTask { await code { _ = try await file.available(from: 900_000) } }
                file.fail(StoreError(.failed, "the origin is gone"))
                for await result in group { #expect(result == .failed) }
            }
            #expect(file.failure?.code == .failed)
            let written = await code { try file.write([1], at: 0) }
            #expect(written == .failed)
        }
        try await withFile(1_000_000) { _, file in
            let reader = Task { await code { _ = try await file.available(from: 5) } }
            reader.cancel()
            #expect(await reader.value == .cancelled)
        }
    }

    @Test func unknownLengthEndsWhereItIsLearned() async throws {
        let content = sample(2_500_000)
        try await withFile(nil) { store, file in
            let reader = Task { try await file.readAll() }
            try file.write(content, at: 0)
            try await file.commit(PieceIndex(0), expecting: nil)
            try await file.commit(PieceIndex(1), expecting: nil)
            #expect(!file.isWhole)
            try file.learn(length: 2_500_000)
            try await file.commit(PieceIndex(2), expecting: nil)
            #expect(file.isWhole)
            #expect(try await reader.value == content)
            #expect(await code { try file.learn(length: 3_000_000) } == .outOfRange)
            #expect(try await store.complete(file, expecting: [], hashContent: true) == Digest.of(content))
            #expect(store.usage.used == 2_500_000)
        }
        try await withFile(nil) { _, file in
            try file.write(content, at: 0)
            try await file.commit(PieceIndex(1), expecting: nil)
            #expect(await code { try file.learn(length: 2_000_000) } == .outOfRange)
        }
    }

    @Test func observersHearOfEveryPiece() async throws {
        let content = sample(1_000_000)
        try await withFile(1_000_000) { _, file in
            let (stream, continuation) = AsyncStream<Int>.makeStream()
            let registration = file.onCommit { piece, _ in continuation.yield(piece.value) }
            try await file.fill(content)
            registration.cancel()
            continuation.finish()
            var heard: Set<Int> = []
            for await piece in stream { heard.insert(piece) }
            #expect(heard == Set(0..<4))
        }
    }

    @Test func manyWritersAndCommittersOfTheSamePieceAgree() async throws {
        let content = sample(4_000_000)
        try await withFile(4_000_000) { _, file in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for step in 0..<16 {
                            let piece = (step + worker * 2) % 16
                            // Some write rubbish and know what they expect: it must never get in.
                            if worker.isMultiple(of: 3), let range = file.layout.range(of: PieceIndex(piece)) {
                                try file.write(sample(Int(range.count), seed: UInt64(worker + 77)), at: range.offset)
                            }
                            try? await file.fill(piece, of: content)
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await file.fill(content)
            #expect(try await file.readAll() == content)
            #expect(try await file.contentDigest() == Digest.of(content))
        }
    }
}
