import CacheStore
import Content
import NodeConfig
import TestSupport
import Testing

@testable import ContentProxy

/// What can be said of bytes that have been sent already.
@Suite(.timeLimit(.minutes(1))) struct SentPartsTests {
    private static let piece = 256 << 10
    private let bytes = randomBytes(3 * piece, seed: 4)

    /// Three pieces in a file, of which two parts have been sent that meet in the middle of the second piece.
    private func withSentFile(
        servesPieces: Bool,
        _ body: (PieceFile, SentParts) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { directory in
            var place = StoreConfiguration()
            place.directory = directory
            place.freeSpaceFloor = ByteCount(bytes: 0)
            place.servesPieces = servesPieces
            let store = try await CacheStore.open(place, logger: quiet)
            let digest = Digest.of(bytes)
            let file = try store.create(
                TaskID(content: digest),
                generation: Generation(content: digest),
                layout: PieceLayout(length: Int64(bytes.count)),
                metadata: [],
                contentHash: .sha256
            )
            for piece in 0..<3 { try await put(piece, of: bytes, into: file) }
            var sent = SentParts()
            sent.add(ByteRange(0..<300_000), of: file)
            sent.add(ByteRange(300_000..<Int64(bytes.count)), of: file)
            try await body(file, sent)
            await store.close()
        }
    }

    private func put(_ piece: Int, of bytes: [UInt8], into file: PieceFile) async throws {
        let part = Array(bytes[piece * Self.piece..<(piece + 1) * Self.piece])
        try part.withUnsafeBytes { try file.write($0, at: Int64(piece * Self.piece)) }
        _ = try await file.commit(PieceIndex(piece), expecting: nil)
    }

    @Test("What has stayed as it was is what was sent, in doubt or not", arguments: [false, true], [true, false])
    func same(isDoubted: Bool, servesPieces: Bool) async throws {
        try await withSentFile(servesPieces: servesPieces) { file, sent in
            if isDoubted { file.doubt() }
            #expect(sent.agree(with: file))
            for algorithm in [Digest.Algorithm.sha256, .sha512] {
                let hasher = try await sent.hash(algorithm)
                #expect(hasher?.finalize() == Digest.of(bytes, algorithm))
            }
        }
    }

    @Test(
        "First bytes that were sent before any file had them are right if a good file has them",
        arguments: [true, false]
    )
    func opening(isRight: Bool) async throws {
        try await withSentFile(servesPieces: true) { file, _ in
            var opening = Array(bytes[..<1000])
            if !isRight { opening[999] ^= 1 }
            var sent = SentParts()
            sent.begin(opening)
            #expect(!sent.agree(with: file))
            let isConfirmed = try sent.confirmOpening(by: file)
            #expect(isConfirmed == isRight)
            sent.add(ByteRange(1000..<Int64(bytes.count)), of: file)
            #expect(sent.agree(with: file) == isRight)
        }
    }

    @Test("A file that has not committed the first bytes says nothing of them; who goes on elsewhere has them hashed")
    func unknownOpening() async throws {
        try await withSentFile(servesPieces: true) { file, _ in
            var sent = SentParts()
            sent.begin(Array(bytes[..<1000]))
            file.doubt()
            #expect(throws: StoreError.self) { _ = try sent.confirmOpening(by: file) }
            let hasher = try await sent.hash(.sha256)
            #expect(hasher?.finalize() == Digest.of(Array(bytes[..<1000])))
            file.trust()
            let isConfirmed = try sent.confirmOpening(by: file)
            #expect(isConfirmed)
            #expect(sent.agree(with: file))
        }
    }

    @Test("What has been replaced is not", arguments: 0..<3, [true, false])
    func replaced(piece: Int, servesPieces: Bool) async throws {
        try await withSentFile(servesPieces: servesPieces) { file, sent in
            var other = bytes
            other[piece * Self.piece + 5] ^= 1
            file.doubt()
            try await put(piece, of: other, into: file)
            #expect(!sent.agree(with: file))
            let hasher = try await sent.hash(.sha256)
            #expect(hasher == nil)
        }
    }

    @Test("Nothing sent is right whatever comes")
    func nothing() async throws {
        try await withSentFile(servesPieces: true) { file, _ in
            #expect(SentParts().agree(with: file))
            let hasher = try await SentParts().hash(.sha256)
            #expect(hasher?.finalize() == Digest.of([UInt8]()))
        }
    }
}
