import BackendAPI
import Content
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

@Suite(.timeLimit(.minutes(1))) struct RevalidationTests {
    /// Content that may change, complete at the supernode.
    private func stale(_ rig: Rig) async throws -> (url: ResourceURL, joined: TaskRegistrationResponse) {
        let url = try rig.put(randomBytes(300_000, seed: 1), at: "http://origin/file")
        let joined = try await rig.join(try rig.peer("first"), url)
        let task = try #require(rig.supernode.tasks.task(joined.task))
        await eventually { task.isComplete }
        await rig.settled(task.id)
        return (url, joined)
    }

    @Test("The old version is not handed out before the origin has confirmed it")
    func waits() async throws {
        try await withSupernode { rig in
            let (url, old) = try await stale(rig)
            let before = rig.origin.memory.bytesSent
            let gate = rig.origin.hold(url)
            let second = try rig.peer("second")
            let joining = Task { try await rig.join(second, url) }
            await gate.reached.wait()
            #expect(rig.supernode.tasks.task(old.task)?.memberCount == 1)
            gate.open()
            #expect(try await joining.value.generation == old.generation)
            #expect(rig.origin.memory.bytesSent == before)
            #expect(rig.origin.memory.requests.count == 2)
        }
    }

    @Test("A new version at the origin replaces the old one, and its members join again")
    func changed() async throws {
        try await withSupernode { rig in
            let (url, old) = try await stale(rig)
            let first = try #require(rig.supernode.peers.all.first)
            let new = randomBytes(200_000, seed: 2)
            try rig.put(new, at: url.text)
            let joined = try await rig.join(try rig.peer("second"), url)
            #expect(joined.generation != old.generation)
            #expect(joined.length == 200_000)
            let report = TaskReport(task: old.task, generation: old.generation, window: 4)
            #expect(try await rig.exchange(first, 1, report).map(\.state) == [.changed])
        }
    }

    @Test("While the origin does not answer, nobody new gets a version that may be old")
    func unreachable() async throws {
        try await withSupernode { rig in
            let (url, old) = try await stale(rig)
            rig.origin.memory.fail(.failure(BackendError(.unreachable, "down")))
            let second = try rig.peer("second")
            #expect(await code { () async throws(WireError) in try await rig.join(second, url) } == .originUnreachable)
            // Nothing was lost by it.
            #expect(try await rig.join(second, url).generation == old.generation)
        }
    }

    @Test("Fresh content is not asked about")
    func fresh() async throws {
        try await withSupernode { rig in
            let url = try #require(ResourceURL("http://origin/file"))
            var object = MemoryBackend.Object(randomBytes(1000, seed: 3))
            object.freshness.maxAge = .seconds(3600)
            rig.origin.memory.set(object, at: url)
            let joined = try await rig.join(try rig.peer("first"), url)
            let task = try #require(rig.supernode.tasks.task(joined.task))
            await eventually { task.isComplete }
            await rig.settled(task.id)
            _ = try await rig.join(try rig.peer("second"), url)
            #expect(rig.origin.memory.requests.count == 1)
        }
    }

    @Test("Whoever wants content younger than it is has it confirmed, and is told how old it is")
    func demands() async throws {
        try await withSupernode { rig in
            let url = try #require(ResourceURL("http://origin/file"))
            var object = MemoryBackend.Object(randomBytes(1000, seed: 3))
            object.freshness.maxAge = .seconds(3600)
            rig.origin.memory.set(object, at: url)
            let first = try await rig.join(try rig.peer("first"), url)
            let task = try #require(rig.supernode.tasks.task(first.task))
            await eventually { task.isComplete }
            await rig.settled(task.id)
            #expect(try #require(first.freshFor) > 3590)
            rig.time.pass(.seconds(100))
            let peer = try rig.peer("second")
            let second = try await rig.join(peer, url, freshness: FreshnessDemand(maxAge: 200))
            #expect(rig.origin.memory.requests.count == 1)
            #expect(try #require(second.age) >= 100)
            #expect(try #require(second.freshFor) < 3510)
            _ = try await rig.join(peer, url, freshness: FreshnessDemand(maxAge: 50))
            #expect(rig.origin.memory.requests.count == 2)
            // A rule's own time is too short for it.
            _ = try await rig.join(peer, url, freshness: FreshnessDemand(lifetime: 50))
            #expect(rig.origin.memory.requests.count == 3)
        }
    }

    @Test("What must not be shared is not asked for again for a while, and then it is")
    func refusals() async throws {
        try await withSupernode { rig in
            let url = try rig.put(randomBytes(1000, seed: 4), at: "http://origin/file")
            rig.origin.memory.fail(.failure(BackendError(.notShareable, "private", status: 200)))
            let peer = try rig.peer("first")
            for _ in 0..<3 {
                #expect(await code { () async throws(WireError) in try await rig.join(peer, url) } == .notShareable)
            }
            #expect(rig.origin.memory.requests.count == 1)
            // Somebody else's right is another matter.
            let other: HeaderFields = ["Authorization": "Basic x"]
            let joined = try await rig.join(peer, url, credentials: other)
            #expect(joined.length == 1000)
            rig.time.pass(.seconds(31))
            #expect(await code { () async throws(WireError) in try await rig.join(peer, url) } != .notShareable)
        }
    }
}
