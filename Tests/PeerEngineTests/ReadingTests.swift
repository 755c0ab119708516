import CacheStore
import Content
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

@Suite(.timeLimit(.minutes(1))) struct ReadingTests {
    /// What a reader has got so far.
    private final class Reader: Sendable {
        private let state = Mutex<Int64>(0)
        var end: Int64 { state.withLock { $0 } }

        func take(_ range: ByteRange) {
            state.withLock { end in
                if end > 0 { #expect(range.offset == end) }
                end = range.end
            }
        }
    }

    private func reading(_ idle: Idle, _ range: ByteRange? = nil) async throws -> (Reader, Task<Void, any Error>) {
        let reader = Reader()
        let head = try await idle.head
        let task = Task { try await idle.download.read(head, range) { reader.take($0) } }
        return (reader, task)
    }

    @Test("The last byte comes with the word that all of it is right", arguments: [nil, ByteRange(0..<3 << 20)])
    func heldBack(range: ByteRange?) async throws {
        try await withIdleDownload { idle in
            let (reader, task) = try await reading(idle, range)
            for piece in 0..<12 { try await idle.commit(piece) }
            await eventually { reader.end == (3 << 20) - 1 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(reader.end == (3 << 20) - 1)
            idle.download.finish(.success(ByteOrigins()))
            try await task.value
            #expect(reader.end == 3 << 20)
        }
    }

    @Test("Content without a byte ends with the word that it is right", arguments: [nil, ByteRange(0..<0)])
    func empty(range: ByteRange?) async throws {
        for isRight in [true, false] {
            try await withIdleDownload(0) { idle in
                let (_, task) = try await reading(idle, range)
                let isOver = TestEvent()
                let watch = Task {
                    defer { isOver.fire() }
                    try await task.value
                }
                for _ in 0..<1000 { await Task.yield() }
                #expect(!isOver.hasFired)
                idle.download.finish(
                    isRight ? .success(ByteOrigins()) : .failure(DownloadError(.digestMismatch, "wrong"))
                )
                #expect(await code(of: watch) == (isRight ? nil : .digestMismatch))
            }
        }
    }

    @Test(
        "Whoever reads wrong content never gets its last byte, however late it asks",
        arguments: [nil, ByteRange(0..<3 << 20), ByteRange((3 << 20) - 1..<3 << 20)],
        [true, false]
    )
    func wrong(range: ByteRange?, isLate: Bool) async throws {
        try await withIdleDownload { idle in
            let head = try await idle.head
            for piece in 0..<12 { try await idle.commit(piece) }
            let reader = Reader()
            if isLate { idle.download.finish(.failure(DownloadError(.digestMismatch, "wrong"))) }
            let task = Task { try await idle.download.read(head, range) { reader.take($0) } }
            if !isLate {
                if range?.offset ?? 0 == 0 { await eventually { reader.end == (3 << 20) - 1 } }
                idle.download.finish(.failure(DownloadError(.digestMismatch, "wrong")))
            }
            await #expect(throws: (any Error).self) { try await task.value }
            #expect(reader.end < 3 << 20)
        }
    }

    @Test("A caller that is cancelled waits no longer, and the others go on", arguments: [true, false])
    func cancelled(isLate: Bool) async throws {
        try await withIdleDownload(begins: false) { idle in
            let download = idle.download
            func waiters() -> Int { download.state.withLock { $0.headWaiters.count + $0.endWaiters.count } }
            let head = Task { _ = try await download.head() }
            let end = Task { _ = try await download.completion() }
            let patient = Task { try await download.completion() }
            if isLate { await eventually { waiters() == 3 } }
            head.cancel()
            end.cancel()
            #expect(await code(of: head) == .cancelled)
            #expect(await code(of: end) == .cancelled)
            await eventually { waiters() == 1 }
            download.finish(.success(ByteOrigins(origin: 7)))
            let origins = try await patient.value
            #expect(origins.origin == 7)
        }
    }

    private func code(of task: Task<Void, any Error>) async -> DownloadError.Code? {
        do { try await task.value } catch { return (error as? DownloadError)?.code }
        return nil
    }

    @Test("A range before the end does not wait for it")
    func middle() async throws {
        try await withIdleDownload { idle in
            let (reader, task) = try await reading(idle, ByteRange(10..<300_000))
            try await idle.commit(1)
            try await idle.commit(0)
            try await task.value
            #expect(reader.end == 300_000)
        }
    }

    @Test("Content of unknown length comes as it arrives, its last byte with the end")
    func unknownLength() async throws {
        try await withIdleDownload(knowsLength: false) { idle in
            let (reader, task) = try await reading(idle)
            for piece in 0..<12 { try await idle.commit(piece) }
            await eventually { reader.end == (3 << 20) - 1 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(reader.end == (3 << 20) - 1)
            try idle.file.learn(length: 3 << 20)
            for _ in 0..<1000 { await Task.yield() }
            #expect(reader.end == (3 << 20) - 1)
            idle.download.finish(.success(ByteOrigins()))
            try await task.value
            #expect(reader.end == 3 << 20)
        }
    }

    @Test("A new generation ends the readers of the old one")
    func changed() async throws {
        try await withIdleDownload { idle in
            let (_, task) = try await reading(idle)
            try await idle.commit(0)
            let record = try #require(idle.download.record)
            let other = try idle.download.destination.open(
                record,
                generation: Generation(length: 5, validator: "\"new\""),
                layout: PieceLayout(length: 5)
            )
            idle.download.begin(other, record, generation: other.generation)
            await #expect(throws: (any Error).self) { try await task.value }
        }
    }
}
