import Content
import Foundation
import Synchronization
import Testing

@testable import CacheStore

/// Where nobody asks for pieces, they have codes of the store's own in the digests' place.
@Suite struct PieceCodeTests {
    private let content = sample(1_000_000)

    private func create(
        _ store: CacheStore,
        _ name: String = "a",
        _ algorithm: Digest.Algorithm? = .sha256
    ) throws -> PieceFile {
        try store.create(
            taskID(name),
            generation: generation(),
            layout: PieceLayout(length: 1_000_000),
            metadata: [],
            contentHash: algorithm
        )
    }

    private func digest(_ piece: Int) -> Digest {
        Digest.of(Array(content[piece * 262_144..<min(content.count, (piece + 1) * 262_144)]))
    }

    @Test("Pieces are hashed only where somebody may ask for them, or nothing else names the whole")
    func whoHashes() async throws {
        for servesPieces in [true, false] {
            try await withDirectory { directory in
                let store = try await openStore(directory, servesPieces: servesPieces)
                for algorithm in [nil, Digest.Algorithm.sha256, .sha512] {
                    let file = try create(store, "\(algorithm?.rawValue ?? "none")", algorithm)
                    try await file.fill(content, isNamed: false)
                    let isHashed = servesPieces || algorithm != .sha256
                    #expect(file.pieceDigests.count == (isHashed ? 4 : 0))
                    #expect(try await file.readAll() == content)
                    try await store.complete(
                        file,
                        expecting: [Digest.of(content, algorithm ?? .sha256)],
                        hashContent: true
                    )
                }
                let stored = try store.open(content: Digest.of(content))
                #expect(stored != nil)
                await store.close()
            }
        }
    }

    @Test("Codes vouch for nothing: the whole is hashed whoever says that it is right")
    func vouchesForNothing() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, servesPieces: false)
            let file = try create(store)
            try await file.fill(content, isNamed: false)
            let failure = await code {
                try await store.complete(file, expecting: [Digest.of("other")], hashContent: false)
            }
            #expect(failure == .contentMismatch)
            #expect(store.record(of: taskID("a")) == nil)
            await store.close()
        }
    }

    @Test("Whoever needs digests of what is here gets them, and they stay", arguments: [true, false])
    func madeLater(isComplete: Bool) async throws {
        try await withDirectory { directory in
            var store = try await openStore(directory, servesPieces: false)
            if isComplete {
                try await store.put("a", content, isNamed: false)
            } else {
                let file = try create(store)
                for piece in [0, 2, 3] { try await file.fill(piece, of: content, isNamed: false) }
            }
            let pieces = isComplete ? [0, 1, 2, 3] : [0, 2, 3]
            let reserved = store.usage.reserved
            await store.close()
            for isMade in [false, true] {
                store = try await openStore(directory)
                let file = try #require(try store.open(taskID("a")))
                #expect(file.committed.count == pieces.count)
                #expect(store.usage.reserved == reserved)
                if !isMade {
                    #expect(file.pieceDigests.isEmpty)
                    #expect(file.manifest == nil)
                    try await file.makeDigests()
                }
                #expect(
                    file.pieceDigests == Dictionary(uniqueKeysWithValues: pieces.map { (PieceIndex($0), digest($0)) })
                )
                #expect(store.usage.reserved == reserved)
                await store.close()
            }
        }
    }

    @Test("What is in doubt gets its digests, too, and is confirmed by nothing else")
    func doubted() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, servesPieces: false)
            let file = try create(store)
            try await file.fill(content, isNamed: false)
            file.doubt()
            try await file.makeDigests()
            #expect(file.committed.isEmpty)
            #expect(file.confirm(PieceIndex(0), digest(0)))
            #expect(!file.confirm(PieceIndex(1), digest(0)))
            file.trust()
            #expect(file.committed == [0, 2, 3])
            file.doubt()
            file.trust()
            #expect(file.committed == [0, 2, 3])
            await store.close()
        }
    }

    @Test("A piece with a code is trusted again like any other")
    func trusted() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, servesPieces: false)
            let file = try create(store)
            try await file.fill(content, isNamed: false)
            file.doubt()
            #expect(!file.confirm(PieceIndex(1), digest(1)))
            file.trust()
            #expect(file.committed == [0, 2, 3])
            #expect(file.pieceDigests.isEmpty)
            await store.close()
        }
    }

    @Test("Whoever knows a piece's digest is told whether it is the one that is here")
    func expected() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, servesPieces: false)
            let file = try create(store)
            try await file.fill(0, of: content, isNamed: false)
            let failure = await code { try await file.commit(PieceIndex(0), expecting: digest(1)) }
            #expect(failure == .digestMismatch)
            #expect(try await file.commit(PieceIndex(0), expecting: digest(0)) == digest(0))
            // From then on the others are hashed as well.
            try await file.fill(1, of: content, isNamed: false)
            #expect(file.digest(of: PieceIndex(1)) == digest(1))
            await store.close()
        }
    }

    @Test("No digest is made of bytes that are others by now", arguments: [true, false])
    func changed(isComplete: Bool) async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory, servesPieces: false)
            let file = try create(store)
            try await file.fill(content, isNamed: false)
            if isComplete { try await store.complete(file, expecting: [], hashContent: true) }
            let object = try #require(store.catalog.withLock { $0.object(of: taskID("a")) })
            let handle = try #require(FileHandle(forWritingAtPath: store.path(object.path)))
            try handle.seek(toOffset: 300_000)
            try handle.write(contentsOf: Data([1, 2, 3, 4]))
            try handle.close()
            #expect(await code { try await file.makeDigests() } == .corrupt)
            #expect(file.digest(of: PieceIndex(1)) == nil)
            await store.settled()
            #expect(store.record(of: taskID("a")) == nil)
            #expect(file.failure?.code == .corrupt)
            await store.close()
        }
    }

    @Test("A code is that of just these bytes, in any store but this one another")
    func codes() throws {
        let (codes, others) = (PieceCodes(key: nil), PieceCodes(key: nil))
        func code(_ bytes: [UInt8], _ codes: PieceCodes) -> PieceCheck {
            var hasher = PieceHasher(codes)
            for start in stride(from: 0, to: bytes.count, by: WorkerThreads.bufferSize) {
                bytes.withUnsafeBytes {
                    hasher.update(
                        UnsafeRawBufferPointer(rebasing: $0[start..<min(bytes.count, start + WorkerThreads.bufferSize)])
                    )
                }
            }
            return hasher.finalize()
        }
        let known = code(content, codes)
        #expect(known.digest == nil)
        #expect(known == code(content, PieceCodes(key: codes.key)))
        #expect(known != code(content, others))
        for place in [0, 65_535, 65_536, 262_144, 999_999] {
            var other = content
            other[place] ^= 1
            #expect(code(other, codes) != known)
        }
        #expect(code(Array(content.dropLast()), codes) != known)
        #expect(code(content + [0], codes) != known)
        #expect(code([], codes) != known)
    }
}
