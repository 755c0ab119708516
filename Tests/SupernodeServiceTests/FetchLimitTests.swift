import BackendAPI
import Content
import OriginFetch
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct FetchLimitTests {
    @Test("However many tasks are registered at once, so many are fetched at a time")
    func bound() async throws {
        try await withSupernode(tasks: 3) { rig in
            var gates: [Gate] = []
            var joining: [Task<TaskRegistrationResponse, any Error>] = []
            for number in 0..<9 {
                let url = try rig.put(randomBytes(1000, seed: UInt64(number)), at: "http://origin/\(number)")
                let peer = try rig.peer("peer\(number)")
                gates.append(rig.origin.hold(url))
                joining.append(Task.immediate { try await rig.join(peer, url) })
            }
            for served in 0..<9 {
                await eventually { rig.origin.running == min(3, 9 - served) }
                #expect(rig.origin.memory.requests.count == served)
                // A fetch counts as running a moment before it is held.
                func held() -> Gate? { gates.first { $0.reached.hasFired && !$0.opened.hasFired } }
                await eventually { held() != nil }
                try #require(held()).open()
                await eventually { rig.origin.memory.requests.count == served + 1 }
            }
            for task in joining { _ = try await task.value }
            #expect(rig.origin.mostRunning == 3)
        }
    }

    @Test("What nobody waits for any more is not fetched when its turn comes")
    func unwanted() async throws {
        try await withSupernode(tasks: 1) { rig in
            let urls = try (0..<3).map { try rig.put(randomBytes(1000, seed: UInt64($0)), at: "http://origin/\($0)") }
            let peers = try (0..<3).map { try rig.peer("peer\($0)") }
            let gate = rig.origin.hold(urls[0])
            let joining = (0..<3).map { number in Task.immediate { try await rig.join(peers[number], urls[number]) } }
            await gate.reached.wait()
            joining[1].cancel()
            await #expect(throws: WireError.self) { try await joining[1].value }
            gate.open()
            _ = try await joining[0].value
            _ = try await joining[2].value
            #expect(Set(rig.origin.memory.requests.map(\.resource.url)) == [urls[0], urls[2]])
            // Who asks for it later gets it.
            #expect(try await rig.join(peers[1], urls[1]).length == 1000)
        }
    }

    @Test("A fetch that nobody has wanted for a while ends, and its place goes to the next one")
    func abandoned() async throws {
        try await withOccupiedPlace { (rig, urls, peers, gate, first) async throws in
            first.cancel()
            await #expect(throws: WireError.self) { try await first.value }
            // Whoever is started again soon finds it going on.
            rig.pass(.seconds(1))
            rig.pass(.seconds(25))
            let second = Task.immediate { try await rig.join(peers[1], urls[1]) }
            await waits(urls[1], rig)
            #expect(rig.origin.running == 1)
            rig.pass(.seconds(10))
            #expect(try await second.value.length == 1000)
            #expect(rig.origin.memory.requests.map(\.resource.url) == [urls[1]])
            gate.open()
            #expect(try await rig.join(peers[0], urls[0]).length == 1000)
        }
    }

    @Test("Who waits for a turn for long is sent elsewhere, and what is wanted goes on")
    func overdue() async throws {
        try await withOccupiedPlace { (rig, urls, peers, gate, first) async throws in
            let second = Task.immediate { try await rig.join(peers[1], urls[1]) }
            await waits(urls[1], rig)
            rig.pass(.seconds(16))
            #expect(await code { () async throws(WireError) in try await value(of: second) } == .busy)
            #expect(await code { () async throws(WireError) in try await rig.join(peers[1], urls[1]) } == .busy)
            #expect(rig.origin.running == 1)
            gate.open()
            #expect(try await first.value.length == 1000)
        }
    }

    @Test("Who waits for a connection to a slow origin is sent elsewhere, and keeps nobody from another origin")
    func slowOrigin() async throws {
        try await withSupernode(tasks: 2, connections: 1) { rig in
            let urls = try ["slow/0", "slow/1", "other/0"].map { try rig.put([1, 2, 3], at: "http://\($0)") }
            let peers = try (0..<3).map { try rig.peer("peer\($0)") }
            let gate = rig.origin.hold(urls[0])
            let first = Task.immediate { try await rig.join(peers[0], urls[0]) }
            await gate.reached.wait()
            let second = Task.immediate { try await rig.join(peers[1], urls[1]) }
            await waits(urls[1], rig)
            #expect(try await rig.join(peers[2], urls[2]).length == 3)
            rig.pass(.seconds(14))
            await waits(urls[1], rig)
            rig.pass(.seconds(2))
            #expect(await code { () async throws(WireError) in try await value(of: second) } == .busy)
            #expect(await code { () async throws(WireError) in try await rig.join(peers[1], urls[1]) } == .busy)
            gate.open()
            #expect(try await first.value.length == 3)
            await rig.settled(Resource(url: urls[1]).taskID)
            #expect(try await rig.join(peers[1], urls[1]).length == 3)
        }
    }

    @Test("Whose credentials the origin can not be asked about soon is sent elsewhere")
    func slowPermission() async throws {
        let right: HeaderFields = ["Authorization": "Bearer right"]
        try await withSupernode(connections: 1, { $0.permissionTime = .zero }) { rig in
            let bytes = randomBytes(1000, seed: 7)
            let url = try rig.put(bytes, at: "http://slow/private", credentials: right)
            let digest = Digest.of(bytes)
            let peers = try (0..<3).map { try rig.peer("peer\($0)") }
            let joined = try await rig.join(peers[0], url, digest: digest, credentials: right)
            await rig.settled(joined.task)
            let held = try rig.put([1, 2, 3], at: "http://slow/held")
            let gate = rig.origin.hold(held)
            let first = Task.immediate { try await rig.join(peers[1], held) }
            await gate.reached.wait()
            let second = Task.immediate { try await rig.join(peers[2], url, digest: digest, credentials: right) }
            await eventually { rig.supernode.inquiries.queued == 1 }
            rig.pass(.seconds(14))
            #expect(rig.supernode.inquiries.queued == 1)
            rig.pass(.seconds(2))
            #expect(await code { () async throws(WireError) in try await value(of: second) } == .busy)
            gate.open()
            #expect(try await first.value.length == 3)
            let third = try await rig.join(peers[2], url, digest: digest, credentials: right)
            #expect(third.generation == joined.generation)
        }
    }

    @Test("Who asks again after a fetch was given up in the line waits anew")
    func again() async throws {
        try await withOccupiedPlace { (rig, urls, peers, gate, first) async throws in
            let second = Task.immediate { try await rig.join(peers[1], urls[1]) }
            await waits(urls[1], rig)
            second.cancel()
            await #expect(throws: WireError.self) { try await second.value }
            rig.pass(.seconds(1))
            rig.pass(.seconds(31))
            await rig.settled(Resource(url: urls[1]).taskID)
            let third = Task.immediate { try await rig.join(peers[1], urls[1]) }
            rig.pass(.seconds(1))
            await waits(urls[1], rig)
            gate.open()
            #expect(try await first.value.length == 1000)
            #expect(try await third.value.length == 1000)
        }
    }

    /// Two contents and two peers at a supernode whose one place is taken by the first, which the origin holds back.
    private func withOccupiedPlace(
        _ body: (
            Rig, [ResourceURL], [PeerSession], Gate, Task<TaskRegistrationResponse, any Error>
        ) async throws -> Void
    ) async throws {
        try await withSupernode(tasks: 1) { rig in
            let urls = try (0..<2).map { try rig.put(randomBytes(1000, seed: UInt64($0)), at: "http://origin/\($0)") }
            let peers = try (0..<2).map { try rig.peer("peer\($0)") }
            let gate = rig.origin.hold(urls[0])
            let first = Task.immediate { try await rig.join(peers[0], urls[0]) }
            await gate.reached.wait()
            try await body(rig, urls, peers, gate, first)
        }
    }

    /// Returns once the content waits for its turn.
    private func waits(_ url: ResourceURL, _ rig: Rig) async {
        let task = Resource(url: url).taskID
        await eventually {
            rig.supernode.tasks.content(of: task)?.state.withLock { $0.queuedSince != nil } == true
        }
    }

    private func value(
        of task: Task<TaskRegistrationResponse, any Error>
    ) async throws(WireError) -> TaskRegistrationResponse {
        do {
            return try await task.value
        } catch {
            throw error as? WireError ?? WireError(.internalError, "\(error)")
        }
    }
}
