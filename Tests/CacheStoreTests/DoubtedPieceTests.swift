import CacheStore
import Content
import TestSupport
import Testing

/// Pieces whose digests somebody named who may not speak for the content any longer.
@Suite struct DoubtedPieceTests {
    private static let size = 3 * (256 << 10) + 5

    private func withFile(_ body: (CacheStore, PieceFile, [UInt8]) async throws -> Void) async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            let bytes = randomBytes(Self.size, seed: 77)
            let layout = PieceLayout(length: Int64(bytes.count))
            let task = TaskID(content: Digest.of(bytes))
            let generation = Generation(content: Digest.of(bytes))
            let file = try store.create(
                task,
                generation: generation,
                layout: layout,
                metadata: [],
                contentHash: .sha256
            )
            try bytes.withUnsafeBytes { try file.write($0, at: 0) }
            for piece in 0..<4 { _ = try await file.commit(PieceIndex(piece), expecting: nil) }
            try await body(store, file, bytes)
        }
    }

    @Test("A doubted piece is not there until its digest is confirmed, and then without another write")
    func confirmed() async throws {
        try await withFile { _, file, bytes in
            let digests = file.pieceDigests
            file.doubt()
            #expect(file.committed.isEmpty)
            #expect(!file.isWhole)
            #expect(file.digest(of: PieceIndex(0)) == nil)
            async let available = file.available(from: 0)
            for (piece, digest) in digests {
                let isHere = file.confirm(piece, digest)
                #expect(isHere)
            }
            let first = try await available
            #expect(first.offset == 0)
            #expect(file.isWhole)
            let digest = try await file.contentDigest()
            #expect(digest == Digest.of(bytes))
        }
    }

    @Test("A doubted piece with another digest is forgotten and can be written anew")
    func replaced() async throws {
        try await withFile { _, file, bytes in
            let digests = file.pieceDigests
            file.doubt()
            var right = bytes
            right[10] ^= 0xFF
            let piece = Array(right[..<(256 << 10)])
            let isHere = file.confirm(PieceIndex(0), Digest.of(piece))
            #expect(!isHere)
            let old = try #require(digests[PieceIndex(0)])
            let isBack = file.confirm(PieceIndex(0), old)
            #expect(!isBack)
            try piece.withUnsafeBytes { try file.write($0, at: 0) }
            _ = try await file.commit(PieceIndex(0), expecting: Digest.of(piece))
            for number in 1..<4 {
                let known = try #require(digests[PieceIndex(number)])
                let isHere = file.confirm(PieceIndex(number), known)
                #expect(isHere)
            }
            let digest = try await file.contentDigest()
            #expect(digest == Digest.of(right))
        }
    }

    @Test("What is written over a doubted piece does not pass for the old one")
    func overwritten() async throws {
        try await withFile { _, file, _ in
            let digests = file.pieceDigests
            file.doubt()
            try [UInt8(1)].withUnsafeBytes { try file.write($0, at: 0) }
            let old = try #require(digests[PieceIndex(0)])
            let isHere = file.confirm(PieceIndex(0), old)
            #expect(!isHere)
        }
    }
}
