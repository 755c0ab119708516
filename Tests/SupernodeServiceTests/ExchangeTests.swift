import Content
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct ExchangeTests {
    /// A peer that has joined complete content of `pieces` pieces.
    private func joined(
        _ rig: Rig,
        pieces: Int = 8
    ) async throws -> (session: PeerSession, answer: TaskRegistrationResponse) {
        let url = try rig.put(randomBytes(pieces << 18, seed: 1), at: "http://origin/file")
        let session = try rig.peer()
        let answer = try await rig.join(session, url)
        let task = try #require(rig.supernode.tasks.task(answer.task))
        await eventually { task.isComplete }
        return (session, answer)
    }

    private func report(
        _ answer: TaskRegistrationResponse,
        window: Int = 4,
        outstanding: PieceSet = [],
        finished: [Int] = [],
        wanted: PieceSet? = nil,
        holds: PieceSet? = nil
    ) -> TaskReport {
        TaskReport(
            task: answer.task,
            generation: answer.generation,
            finished: finished.map { TaskReport.FinishedPiece(piece: PieceIndex($0), parent: nil) },
            outstanding: outstanding,
            window: window,
            wanted: wanted,
            holds: holds
        )
    }

    private func pieces(_ updates: [TaskUpdate]) -> Set<Int> {
        Set(updates.flatMap(\.assignments).map(\.piece.value))
    }

    private func set(_ pieces: Set<Int>) -> PieceSet { pieces.reduce(into: PieceSet()) { $0.insert(PieceIndex($1)) } }

    @Test("A window is filled, each piece comes with digest, parent and ticket")
    func assignments() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            let updates = try await rig.exchange(session, 1, report(answer))
            #expect(pieces(updates).count == 4)
            for update in updates {
                #expect(update.parents.first?.peer == rig.supernode.seed.id)
                #expect(update.assignments.allSatisfy { $0.digest.algorithm == .sha256 && $0.parents == [0] })
            }
            // Nothing more until something has been finished.
            #expect(try await rig.exchange(session, 2, report(answer, outstanding: set(pieces(updates)))).isEmpty)
        }
    }

    @Test("Who wants some pieces gets those, whatever else there is, and numbers that no piece has are none")
    func wanted() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            #expect(try await rig.exchange(session, 1, report(answer, window: 8, wanted: [])).isEmpty)
            let first = try await rig.exchange(session, 2, report(answer, window: 8, wanted: [3, 5, 1_000_000]))
            #expect(pieces(first) == [3, 5])
            let second = try await rig.exchange(
                session,
                3,
                report(answer, window: 8, outstanding: [3], finished: [5], wanted: [3, 5, 6])
            )
            #expect(pieces(second) == [6])
            // Not to speak of it is to want everything.
            let rest = try await rig.exchange(session, 4, report(answer, window: 16, outstanding: [3, 6]))
            #expect(pieces(rest) == [0, 1, 2, 4, 7])
        }
    }

    @Test("A newer call supersedes the one that waits, which returns at once")
    func supersedes() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            _ = try await rig.exchange(session, 1, report(answer, window: 0))
            let waiting = Task.immediate {
                try await rig.exchange(session, 2, wait: 60_000, report(answer, window: 0))
            }
            let updates = try await rig.exchange(session, 3, open: [2], report(answer))
            let superseded = try await waiting.value
            #expect(superseded.isEmpty || updates.isEmpty)
            #expect(pieces(updates + superseded).count == 4)
        }
    }

    @Test("A call returns when it has waited long enough, whatever the one before it would have waited")
    func waits() async throws {
        try await withSupernode { rig in
            let session = try rig.peer()
            var superseded: [Task<[TaskUpdate], any Error>] = []
            for (index, wait) in [20_000, 1000, 3000, 20_000, 500, 250, 20_000].enumerated() {
                let sequence = UInt64(2 * index + 1)
                superseded.append(Task.immediate { try await rig.exchange(session, sequence, wait: 30_000) })
                let start = rig.time.now
                let call = Task.immediate {
                    _ = try await rig.exchange(session, sequence + 1, wait: wait)
                    return rig.time.now - start
                }
                rig.pass(.milliseconds(wait - 100))
                for _ in 0..<100 { await Task.yield() }
                rig.pass(.milliseconds(100))
                #expect(try await call.value == .milliseconds(wait))
            }
            for call in superseded { #expect(try await call.value.isEmpty) }
        }
    }

    @Test("What a lost answer carried is handed out again, what is still on its way is not")
    func lostAnswers() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            let lost = pieces(try await rig.exchange(session, 1, report(answer)))
            #expect(lost.count == 4)
            // The peer does not know yet whether the first answer will arrive.
            #expect(try await rig.exchange(session, 2, open: [1], report(answer)).isEmpty)
            // Now it does.
            #expect(pieces(try await rig.exchange(session, 3, report(answer))).count == 4)
        }
    }

    @Test("A call that a newer one has overtaken takes nothing back")
    func staleCalls() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            let first = pieces(try await rig.exchange(session, 7, report(answer)))
            #expect(first.count == 4)
            #expect(pieces(try await rig.exchange(session, 5, report(answer, window: 8))).isEmpty)
            // What it says has been finished counts all the same.
            let done = try #require(first.first)
            _ = try await rig.exchange(session, 6, report(answer, finished: [done]))
            let next = try await rig.exchange(session, 8, report(answer, outstanding: set(first.subtracting([done]))))
            #expect(pieces(next).count == 1)
            #expect(pieces(next).isDisjoint(with: first))
        }
    }

    @Test("After a lost answer the length and the manifest are told again")
    func lostLength() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            let regular = try await rig.exchange(session, 1, report(answer, window: 0, holds: []))
            #expect(regular.isEmpty)
            let again = try await rig.exchange(session, 2, report(answer, window: 0, holds: []))
            #expect(again.first?.length == answer.length)
            #expect(again.first?.manifest?.digests.count == 8)
        }
    }

    @Test("Other generations and unknown tasks are answered at once, and change nothing")
    func foreign() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            var old = report(answer, finished: [0, 1, 2])
            old.generation = Generation(length: 1, validator: "\"other\"")
            var unknown = report(answer)
            unknown.task = TaskID(url: "http://nowhere/")
            let updates = try await rig.exchange(session, 1, wait: 60_000, old, unknown)
            #expect(updates.map(\.state) == [.changed, .unknown])
            #expect(pieces(try await rig.exchange(session, 2, report(answer, window: 8))).count == 8)
        }
    }

    @Test("Messages of a hostile peer neither trap nor take memory nor disturb others")
    func hostile() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            let other = try rig.peer("other")
            let url = try #require(ResourceURL("http://origin/file"))
            let innocent = try await rig.join(other, url)
            let far = PieceIndex(2_147_483_647)
            for (sequence, window) in [Int.min, Int.max, -1, 0].enumerated() {
                let report = TaskReport(
                    task: answer.task,
                    generation: answer.generation,
                    finished: [.init(piece: far, parent: PeerID()), .init(piece: far, parent: session.id)],
                    failed: [
                        .init(piece: far, parent: other.id, reason: .wrongBytes),
                        .init(piece: PieceIndex(0), parent: PeerID(), reason: .wrongBytes),
                        .init(piece: PieceIndex(0), parent: session.id, reason: .local),
                    ],
                    outstanding: PieceSet(all: 100_000),
                    window: window,
                    reader: far,
                    holds: PieceSet(all: 100_000)
                )
                _ = try await rig.supernode.exchange(
                    ExchangeRequest(
                        sequence: UInt64(sequence),
                        open: Array(repeating: .max, count: 10_000),
                        waitMilliseconds: .min,
                        tasks: Array(repeating: report, count: 20)
                    ),
                    session
                )
            }
            let last = try await rig.exchange(session, .max, report(answer, window: .max))
            #expect(last.allSatisfy { $0.state == .running })
            #expect(pieces(try await rig.exchange(other, 1, report(innocent))).count >= 1)
        }
    }

    @Test("A peer gets no assignment for a task that it has left")
    func leavesTask() async throws {
        try await withSupernode { rig in
            let (session, answer) = try await joined(rig)
            var leaving = report(answer)
            leaving.leaving = true
            #expect(try await rig.exchange(session, 1, leaving).isEmpty)
            #expect(rig.supernode.tasks.task(answer.task)?.memberCount == 0)
            #expect(try await rig.exchange(session, 2, report(answer)).map(\.state) == [.unknown])
        }
    }
}
