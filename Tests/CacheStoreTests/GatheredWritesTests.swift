import CacheStore
import Content
import TestSupport
import Testing

/// Bytes come in portions of any size; the disk gets blocks of them.
@Suite struct GatheredWritesTests {
    /// A transfer of one piece that may break off and start over.
    private struct Transfer {
        let range: ByteRange
        var position: Int64
        /// Attempts left that bring wrong bytes and break off before the piece's end.
        var failures: Int

        /// The offset and the count of the next portion; nil where all is there.
        mutating func next(_ random: inout SeededGenerator) -> (Int64, Int)? {
            if position == range.end { return nil }
            if failures > 0, Int.random(in: 0..<4, using: &random) == 0 {
                failures -= 1
                position = range.offset
            }
            var count = Int.random(in: 1...50_000, using: &random)
            let rest = range.end - position - (failures > 0 ? 1 : 0)
            count = Int(min(Int64(count), rest))
            guard count > 0 else {
                failures -= 1
                position = range.offset
                return next(&random)
            }
            defer { position += Int64(count) }
            return (position, count)
        }
    }

    @Test(arguments: 1...20)
    func portionsOfAnySizeArriveWhole(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let content = sample(Int.random(in: 1...1_500_000, using: &random), seed: seed)
        let garbage = sample(50_000, seed: "garbage")
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let file = try store.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: Int64(content.count)),
                metadata: [],
                contentHash: .sha256
            )
            var transfers = (0..<(file.layout.pieceCount ?? 0)).compactMap { file.layout.range(of: PieceIndex($0)) }
                .map { Transfer(range: $0, position: $0.offset, failures: Int.random(in: 0...2, using: &random)) }
            while let index = transfers.indices.randomElement(using: &random) {
                let failing = transfers[index].failures > 0
                guard let (offset, count) = transfers[index].next(&random) else {
                    try await file.commit(file.layout.piece(at: transfers[index].range.offset), expecting: nil)
                    transfers.remove(at: index)
                    continue
                }
                let right = Array(content[Int(offset)..<Int(offset) + count])
                // What a transfer that breaks off has brought is no longer there after the next one.
                try file.write(failing && transfers[index].failures > 0 ? Array(garbage[..<count]) : right, at: offset)
            }
            #expect(file.isWhole)
            #expect(try await file.contentDigest() == Digest.of(content))
            #expect(try await file.readAll().elementsEqual(content))
            await store.close()
        }
    }

    @Test func aPortionAcrossPiecesIsCutAtTheirBorder() async throws {
        let content = sample(700_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let file = try store.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: 700_000),
                metadata: [],
                contentHash: .sha256
            )
            try file.write(Array(content[..<300_001]), at: 0)
            try await file.commit(PieceIndex(0), expecting: Digest.of(Array(content[..<262_144])))
            try file.write(Array(content[300_001...]), at: 300_001)
            try await file.commit(PieceIndex(1), expecting: Digest.of(Array(content[262_144..<524_288])))
            try await file.commit(PieceIndex(2), expecting: Digest.of(Array(content[524_288...])))
            #expect(try await file.readAll().elementsEqual(content))
            await store.close()
        }
    }

    @Test func theLastPortionsOfAnUnknownLengthAreWrittenToo() async throws {
        let content = sample(1_100_000)
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let file = try store.create(
                taskID("a"),
                generation: generation(),
                layout: PieceLayout(length: nil),
                metadata: [],
                contentHash: .sha256
            )
            for offset in stride(from: 0, to: content.count, by: 1_000) {
                try file.write(Array(content[offset..<min(offset + 1_000, content.count)]), at: Int64(offset))
            }
            try file.learn(length: 1_100_000)
            try await file.commit(PieceIndex(0), expecting: nil)
            try await file.commit(PieceIndex(1), expecting: nil)
            #expect(try await file.contentDigest() == Digest.of(content))
            await store.close()
        }
    }
}
