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
        "Bytes that were sent before they were committed are right if a good file has them",
        arguments: [0, 300_000],
        [true, false]
    )
    func early(start: Int, isRight: Bool) async throws {
        try await withSentFile(servesPieces: true) { file, _ in
            var early = Array(bytes[start..<start + 1000])
            if !isRight { early[999] ^= 1 }
            var sent = SentParts()
            if start > 0 { sent.add(ByteRange(length: Int64(start)), of: file) }
            sent.add(early[..<600], at: start)
            sent.add(early[600...], at: start + 600)
            #expect(!sent.agree(with: file))
            let isConfirmed = try await sent.confirmEarly(by: file)
            #expect(isConfirmed == isRight)
            sent.add(ByteRange(Int64(start + 1000)..<Int64(bytes.count)), of: file)
            #expect(sent.agree(with: file) == isRight)
        }
    }

    @Test("A file that has not committed the first bytes says nothing of them; who goes on elsewhere has them hashed")
    func unknownOpening() async throws {
        try await withSentFile(servesPieces: true) { file, _ in
            var sent = SentParts()
            sent.add(bytes[..<1000], at: 0)
            file.doubt()
            await #expect(throws: StoreError.self) { _ = try await sent.confirmEarly(by: file) }
            let hasher = try await sent.hash(.sha256)
            #expect(hasher?.finalize() == Digest.of(Array(bytes[..<1000])))
            file.trust()
            let isConfirmed = try await sent.confirmEarly(by: file)
            #expect(isConfirmed)
            #expect(sent.agree(with: file))
        }
    }

    @Test(
        "Who goes on elsewhere behind bytes that were never committed has them hashed as they were sent, or not at all",
        arguments: [true, false]
    )
    func goesOnBehindEarly(isSame: Bool) async throws {
        try await withSentFile(servesPieces: true) { file, _ in
            var sent = SentParts()
            sent.add(ByteRange(0..<262_144), of: file)
            var early = Array(bytes[262_144..<400_000])
            if !isSame { early[1] ^= 1 }
            sent.add(early[...], at: 262_144, of: file)
            for algorithm in [Digest.Algorithm.sha256, .sha512] {
                let hasher = try await sent.hash(algorithm)
                #expect(hasher?.finalize() == (isSame ? Digest.of(Array(bytes[..<400_000]), algorithm) : nil))
            }
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

extension SentParts {
    fileprivate mutating func add(_ bytes: ArraySlice<UInt8>, at offset: Int, of file: PieceFile? = nil) {
        bytes.withUnsafeBytes { add(early: $0, at: Int64(offset), of: file) }
    }
}
