import BackendAPI
import CacheStore
import Content
import PieceServer
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct MembershipTests {
    /// Two peers of a task of one piece, of which the supernode gives one at a time: the first has it assigned, the other
    /// waits.
    private func withTwoPeers(
        _ body: (Rig, _ first: PeerSession, _ second: PeerSession, _ waiting: Task<[TaskUpdate], any Error>)
            async throws
            -> Void
    ) async throws {
        try await withSupernode { configuration in
            configuration.seedSlots = 1
        } _: { rig in
            let url = try rig.put(randomBytes(1000, seed: 1), at: "http://origin/file")
            let (first, second) = (try rig.peer("first"), try rig.peer("second"))
            let joined = try await rig.join(first, url)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            _ = try await rig.join(second, url)
            let report = TaskReport(task: joined.task, generation: joined.generation, window: 1)
            let assigned = try await rig.exchange(first, 1, report)
            #expect(assigned.flatMap(\.assignments).count == 1)
            #expect(try await rig.exchange(second, 1, report).isEmpty)
            let waiting = Task.immediate { try await rig.exchange(second, 2, wait: 60_000, report) }
            try await body(rig, first, second, waiting)
        }
    }

    @Test("When a peer leaves, what it had goes to those who wait")
    func leave() async throws {
        try await withTwoPeers { rig, first, _, waiting in
            rig.supernode.leave(first)
            let updates = try await waiting.value
            #expect(updates.flatMap(\.assignments).count == 1)
            #expect(throws: WireError.self) { try rig.supernode.session(first.id, presenting: first.key.reveal()) }
        }
    }

    @Test("What a peer without a call was given goes to those who wait, long before the peer is forgotten")
    func gap() async throws {
        try await withTwoPeers { rig, first, _, waiting in
            rig.pass(.seconds(6))
            #expect(try await waiting.value.flatMap(\.assignments).count == 1)
            #expect(rig.supernode.peers.count == 2)
            // One that was only slow joins again.
            let task = try #require(rig.supernode.tasks.all.first)
            let report = TaskReport(task: task.id, generation: try #require(task.generation), window: 1)
            #expect(try await rig.exchange(first, 2, report).map(\.state) == [.unknown])
        }
    }

    @Test("A peer that has nothing to report learns with its next call that it was taken out, until it joins again")
    func lost() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(1000, seed: 1), at: "http://origin/file")
            let peer = try rig.peer()
            let joined = try await rig.join(peer, url)
            await rig.settled(joined.task)
            var report = TaskReport(task: joined.task, generation: joined.generation, window: 0)
            report.holds = [0]
            #expect(try await rig.exchange(peer, 1, report).isEmpty)
            #expect(try await rig.exchange(peer, 2).isEmpty)
            rig.pass(.seconds(6))
            // At once the first time; later answers say it again, in case this one was lost, but need not hurry.
            #expect(try await rig.exchange(peer, 3, wait: 60_000).map(\.state) == [.unknown])
            let waiting = Task.immediate { try await rig.exchange(peer, 4, wait: 20_000) }
            rig.pass(.seconds(4))
            rig.pass(.seconds(17))
            #expect(try await waiting.value.map(\.state) == [.unknown])
            _ = try await rig.join(peer, url)
            #expect(try await rig.exchange(peer, 5).isEmpty)
            // Who reports it is answered, and that once.
            rig.pass(.seconds(6))
            #expect(try await rig.exchange(peer, 6, report).map(\.state) == [.unknown])
            #expect(try await rig.exchange(peer, 7).isEmpty)
        }
    }

    @Test("A silent peer is forgotten as if it had left; one whose call waits is not silent")
    func expiry() async throws {
        try await withTwoPeers { rig, first, second, waiting in
            rig.pass(.seconds(61))
            let updates = try await waiting.value
            #expect(updates.flatMap(\.assignments).count == 1)
            #expect(rig.supernode.peers.session(first.id) == nil)
            #expect(rig.supernode.peers.session(second.id) != nil)
        }
    }

    @Test("A finished piece makes its peer a parent, with a ticket that its own key made")
    func parent() async throws {
        try await withTwoPeers { rig, first, _, waiting in
            let task = try #require(rig.supernode.tasks.all.first)
            let report = TaskReport(
                task: task.id,
                generation: try #require(task.generation),
                finished: [.init(piece: PieceIndex(0), parent: rig.supernode.seed.id)],
                window: 0
            )
            _ = try await rig.exchange(first, 2, report)
            let update = try #require(try await waiting.value.first)
            #expect(update.assignments.count == 1)
            #expect(update.parents.contains { $0.peer == first.id || $0.peer == rig.supernode.seed.id })
            #expect(update.parents.allSatisfy { $0.ticket.contains("\($0.peer)") })
        }
    }

    @Test("A peer that waits for a slow origin is not silent; one that leaves meanwhile joins nothing")
    func joiningSlowly() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(1000, seed: 2), at: "http://origin/file")
            let gate = rig.origin.hold(url)
            let (patient, leaver) = (try rig.peer("patient"), try rig.peer("leaver"))
            let first = Task.immediate { try await rig.join(patient, url) }
            let second = Task.immediate {
                await code { () async throws(WireError) in try await rig.join(leaver, url) }
            }
            await gate.reached.wait()
            rig.pass(.seconds(300))
            #expect(rig.supernode.peers.count == 2)
            rig.supernode.leave(leaver)
            gate.open()
            #expect(try await first.value.length == 1000)
            #expect(await second.value == .unknownPeer)
            #expect(rig.supernode.tasks.all.map(\.memberCount) == [1])
        }
    }

    @Test("A task that nobody takes part in is forgotten, its content is not")
    func idleTasks() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(1000, seed: 3), at: "http://origin/file")
            let peer = try rig.peer()
            let joined = try await rig.join(peer, url)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            rig.pass(.seconds(4))
            #expect(rig.supernode.tasks.count == 1)
            rig.supernode.leave(peer)
            await eventually {
                rig.pass(.seconds(30))
                return rig.supernode.tasks.count == 0
            }
            #expect(rig.store.record(of: joined.task) != nil)
        }
    }

    @Test("A task that failed is forgotten although its members have not left")
    func failedTasks() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(8 << 20, seed: 4), at: "http://origin/file")
            rig.origin.memory.fail(.closed(after: 1 << 20))
            let peer = try rig.peer()
            let joined = try await rig.join(peer, url)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.failure != nil }
            let report = TaskReport(task: joined.task, generation: joined.generation, window: 0)
            #expect(try await rig.exchange(peer, 1, wait: 5000, report).map(\.state) == [.failed])
            await eventually {
                rig.pass(.seconds(30))
                return rig.supernode.tasks.count == 0
            }
            #expect(peer.taskCount == 0)
        }
    }
}
