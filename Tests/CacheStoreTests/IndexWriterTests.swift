import Content
import Synchronization
import Testing

@testable import CacheStore

@Suite struct IndexWriterTests {
    @Test("A task's pieces are what they are now, however often they were asked for before")
    func followsChanges() async throws {
        try await withDirectory { directory in
            let store = try await openStore(directory)
            try await store.put("a", sample(600_000))
            let ref = try #require(store.catalog.withLock { $0.tasks[taskID("a")]?.row.ref })
            let writer = store.writer
            let pieces = try writer.pieces(of: ref)
            #expect(pieces.count == 3)
            #expect(try writer.pieces(of: ref) == pieces)
            writer.append([.dropPieces(task: ref, [PieceIndex(0)])])
            #expect(try writer.pieces(of: ref).keys.sorted() == [PieceIndex(1), PieceIndex(2)])
            writer.append([.addPiece(task: ref, PieceIndex(0), .digest(Digest.of("other")))])
            #expect(try writer.pieces(of: ref)[PieceIndex(0)]?.digest == Digest.of("other"))
            try await writer.flush()
            #expect(try writer.pieces(of: ref)[PieceIndex(0)]?.digest == Digest.of("other"))
            writer.append([.dropTask(ref)])
            try await writer.flush()
            #expect(try writer.pieces(of: ref).isEmpty)
            await store.close()
        }
    }
}
