import CacheStore
import Content
import OriginFetch
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import PeerEngine

@Suite(.timeLimit(.minutes(1))) struct BookkeepingTests {
    private func queued(_ idle: Idle) -> [Int] {
        idle.download.state.withLock { $0.queue.map(\.piece.value) }
    }

    private func finish(_ piece: Int, _ idle: Idle) {
        idle.download.state.withLock {
            $0.news.finished.append(TaskReport.FinishedPiece(piece: PieceIndex(piece), parent: nil))
        }
    }

    @Test("News is told once, and again where the call that told it failed")
    func retold() async throws {
        try await withIdleDownload { idle in
            finish(3, idle)
            #expect(idle.download.hasNews)
            let first = try #require(idle.download.report(for: 1))
            #expect(first.finished.map(\.piece.value) == [3])
            #expect(first.holds == nil)
            #expect(!idle.download.hasNews)
            #expect(idle.download.report(for: 2)?.finished.isEmpty == true)
            idle.download.settle(2, arrived: true)
            #expect(!idle.download.hasNews)
            finish(4, idle)
            idle.download.settle(1, arrived: false)
            #expect(idle.download.hasNews)
            let third = try #require(idle.download.report(for: 3))
            #expect(Set(third.finished.map(\.piece.value)) == [3, 4])
            // The answer that was lost may have carried anything: all that is held is told.
            #expect(third.holds != nil)
            idle.download.settle(3, arrived: true)
            // Nobody settles a call twice, or one that was never made.
            idle.download.settle(3, arrived: false)
            idle.download.settle(99, arrived: false)
            #expect(!idle.download.hasNews)
        }
    }

    @Test("An assignment is outstanding until it is given up; one that comes twice is one")
    func assignments() async throws {
        try await withIdleDownload { idle in
            idle.download.receive(try idle.update([5, 6]), from: idle.supernode)
            idle.download.receive(try idle.update([6, 5, 7]), from: idle.supernode)
            #expect(queued(idle) == [5, 6, 7])
            #expect(idle.download.report(for: 1)?.outstanding == [5, 6, 7])
            idle.download.receive(try idle.update(cancelled: [6, 11]), from: idle.supernode)
            #expect(queued(idle) == [5, 7])
        }
    }

    @Test("What is under way already is not queued again")
    func active() async throws {
        try await withIdleDownload { idle in
            let cancellation = Cancellation()
            idle.start(5, cancellation)
            idle.download.receive(try idle.update([5]), from: idle.supernode)
            #expect(queued(idle).isEmpty)
            #expect(idle.download.report(for: 1)?.outstanding == [5])
            idle.download.receive(try idle.update(cancelled: [5]), from: idle.supernode)
            #expect(cancellation.isCancelled)
            #expect(idle.download.report(for: 2)?.outstanding == [])
        }
    }

    @Test("A piece that is taken from one parent and given to another in one answer is fetched anew")
    func reassigned() async throws {
        try await withIdleDownload { idle in
            let cancellation = Cancellation()
            idle.start(5, cancellation)
            idle.download.receive(try idle.update([5], cancelled: [5]), from: idle.supernode)
            #expect(cancellation.isCancelled)
            #expect(queued(idle) == [5])
        }
    }

    @Test("A piece that is being checked is not given up")
    func checked() async throws {
        try await withIdleDownload { idle in
            let cancellation = Cancellation()
            idle.start(5, cancellation)
            idle.download.advance(PieceIndex(5), cancellation, to: .received(after: .milliseconds(1)))
            idle.download.receive(try idle.update(cancelled: [5]), from: idle.supernode)
            #expect(!cancellation.isCancelled)
            #expect(idle.download.report(for: 1)?.outstanding == [5])
        }
    }

    @Test("A piece whose end is near is told once, and again where the call failed")
    func ending() async throws {
        try await withIdleDownload { idle in
            let window = idle.download.configuration.window
            #expect(idle.download.report(for: 1)?.window == window)
            let first = Cancellation()
            idle.start(5, first)
            idle.download.advance(PieceIndex(5), first, to: .began(queued: .milliseconds(2)))
            #expect(!idle.download.hasNews)
            idle.download.advance(PieceIndex(5), first, to: .ending)
            #expect(idle.download.hasNews)
            #expect(idle.download.report(for: 2)?.ending == [5])
            #expect(!idle.download.hasNews)
            idle.download.advance(PieceIndex(5), first, to: .received(after: .milliseconds(1)))
            #expect(!idle.download.hasNews)
            idle.download.settle(2, arrived: false)
            #expect(idle.download.report(for: 3)?.ending == [5])
        }
    }

    @Test("A piece that came at once is told when all of it is here; one that was given up is not")
    func received() async throws {
        try await withIdleDownload { idle in
            #expect(idle.download.report(for: 1) != nil)
            let cancellations = [Cancellation(), Cancellation()]
            for (index, cancellation) in cancellations.enumerated() { idle.start(index, cancellation) }
            idle.download.receive(try idle.update(cancelled: [0]), from: idle.supernode)
            #expect(idle.download.report(for: 2)?.outstanding == [1])
            for (index, cancellation) in cancellations.enumerated() {
                idle.download.advance(PieceIndex(index), cancellation, to: .received(after: .milliseconds(1)))
            }
            #expect(idle.download.report(for: 3)?.ending == [1])
        }
    }

    @Test("An assignment of what is here already is answered at once")
    func heldAlready() async throws {
        try await withIdleDownload { idle in
            try await idle.commit(2)
            idle.download.receive(try idle.update([2]), from: idle.supernode)
            #expect(queued(idle).isEmpty)
            #expect(idle.download.report(for: 1)?.finished.contains { $0.piece.value == 2 } == true)
        }
    }

    @Test("Pieces that are here count once the supernode names their digest; others go")
    func manifest() async throws {
        try await withIdleDownload { idle in
            try await idle.commit(0)
            try await idle.commit(1, wrong: true)
            #expect(idle.download.report(for: 1)?.finished.isEmpty == true)
            idle.download.receive(try idle.update(manifest: [0, 1, 2]), from: idle.supernode)
            #expect(idle.file.committed == [0])
            #expect(idle.download.report(for: 2)?.finished.map(\.piece.value) == [0])
            // The right bytes can be written in its place.
            try await idle.commit(1)
            #expect(idle.file.digest(of: PieceIndex(1)) == (try idle.digest(1)))
        }
    }

    @Test("News of another generation changes nothing")
    func otherGeneration() async throws {
        try await withIdleDownload { idle in
            var update = try idle.update([1])
            update.generation = Generation(length: 1, validator: "\"other\"")
            idle.download.receive(update, from: idle.supernode)
            #expect(queued(idle).isEmpty)
        }
    }

    @Test("Parents that an answer does not list are left out")
    func unknownParents() async throws {
        try await withIdleDownload { idle in
            idle.download.receive(try idle.update([1], parents: [7, -1, 1, .max]), from: idle.supernode)
            let parents = idle.download.state.withLock { $0.queue.first?.parents.map(\.ticket) }
            #expect(parents == ["t1"])
        }
    }

    @Test("A length that contradicts what is here fails the supernode, not the process")
    func wrongLength() async throws {
        try await withIdleDownload { idle in
            var update = try idle.update([1])
            update.length = 5
            idle.download.receive(update, from: idle.supernode)
            var events = idle.download.events.makeAsyncIterator()
            guard case .failed? = await events.next() else {
                Issue.record("not told")
                return
            }
        }
    }

    @Test(
        "What ends the supernode's part is told to the download",
        arguments: [TaskUpdate.State.failed, .changed, .unknown]
    )
    func ends(state: TaskUpdate.State) async throws {
        try await withIdleDownload { idle in
            var update = try idle.update()
            update.state = state
            idle.download.receive(update, from: idle.supernode)
            var events = idle.download.events.makeAsyncIterator()
            switch (state, await events.next()) {
            case (.failed, .failed?), (.changed, .rejoin?), (.unknown, .rejoin?): break
            case (_, let other): Issue.record("\(String(describing: other))")
            }
        }
    }

    @Test("The end is told once, with no more wishes")
    func end() async throws {
        try await withIdleDownload { idle in
            idle.download.finish(.success(ByteOrigins()))
            #expect(idle.download.hasNews)
            #expect(idle.download.report(for: 1)?.window == 0)
            #expect(!idle.download.hasNews)
            #expect(idle.download.report(for: 2) == nil)
            idle.download.settle(1, arrived: false)
            #expect(idle.download.report(for: 3)?.window == 0)
        }
    }

    @Test("Another generation begins without the news of the last one")
    func newGeneration() async throws {
        try await withIdleDownload { idle in
            finish(3, idle)
            idle.download.receive(try idle.update([1]), from: idle.supernode)
            let other = Generation(length: 1, validator: "\"other\"")
            let record = try #require(idle.download.record)
            idle.download.begin(idle.file, record, generation: other)
            let report = try #require(idle.download.report(for: 1))
            #expect(report.generation == other)
            #expect(report.finished.isEmpty)
            #expect(report.outstanding.isEmpty)
        }
    }
}
