import BackendAPI
import CacheStore
import Content
import OriginFetch
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct DemandTests {
    private static let piece: Int64 = 256 << 10

    @Test("Readers add up, and what a reader has wanted goes with it")
    func adds() {
        let demand = Demand(whole: false)
        let layout = PieceLayout(length: 16 << 20)
        #expect(demand.pieces(of: layout) == [])
        let first = demand.add(ByteRange(10..<20))
        let second = demand.add(ByteRange(Self.piece - 1..<Self.piece + 1))
        _ = demand.add(ByteRange((16 << 20) - 1..<(99 << 20)))
        #expect(demand.pieces(of: layout) == [0, 1, 63])
        demand.remove(second)
        #expect(demand.pieces(of: layout) == [0, 63])
        demand.remove(first)
        #expect(demand.pieces(of: layout) == [63])
        demand.wantAll()
        #expect(demand.pieces(of: layout) == nil)
    }

    @Test("A change is told to whoever waits for it, and one that has been to nobody")
    func changes() async {
        let demand = Demand(whole: false)
        let version = demand.version
        let waiting = Task.immediate { await demand.change(since: version) }
        _ = demand.add(ByteRange(0..<1))
        await waiting.value
        await demand.change(since: version)
        let cancelled = Task.immediate { await demand.change(since: demand.version) }
        cancelled.cancel()
        await cancelled.value
    }

    /// What is fetched of 64 pieces for a demand.
    private func fetched(
        _ demand: Demand,
        segment: Int64 = 16 << 20,
        _ body: (_ origin: Origin, _ started: TestEvent, _ committed: @escaping () -> PieceSet) async throws -> Void
    ) async throws {
        try await withOrigin(segment: segment) { origin in
            let bytes = randomBytes(16 << 20, seed: 5)
            origin.backend.set(.init(bytes), at: origin.url)
            let started = TestEvent()
            let fetching = Task {
                try await origin.fetcher.fetch(
                    origin.resource,
                    credentials: Credentials(),
                    from: origin.backend,
                    to: origin.destination,
                    demand: demand
                ) { _, _ in started.fire() }
            }
            await started.wait()
            try await body(origin, started) { (try? origin.store.open(origin.resource.taskID))?.committed ?? [] }
            demand.wantAll()
            guard case .fetched(let file) = try await fetching.value else {
                Issue.record("not fetched")
                return
            }
            #expect(try await file.contentDigest() == Digest.of(bytes))
            // No byte has left the origin twice.
            #expect(origin.backend.bytesSent == Int64(bytes.count))
        }
    }

    @Test("Nothing is fetched that nobody wants, and each byte once in the end", arguments: [1 << 20, 16 << 20])
    func onlyWanted(segment: Int64) async throws {
        let demand = Demand(whole: false)
        try await fetched(demand, segment: segment) { origin, _, committed in
            #expect(origin.backend.bytesSent == 0)
            let first = demand.add(ByteRange(5 * Self.piece..<7 * Self.piece))
            await eventually { committed() == [5, 6] }
            demand.remove(first)
            _ = demand.add(ByteRange(6 * Self.piece..<8 * Self.piece))
            _ = demand.add(ByteRange(63 * Self.piece + 5..<63 * Self.piece + 6))
            await eventually { committed() == [5, 6, 7, 63] }
            #expect(origin.backend.bytesSent == 4 * Self.piece)
        }
    }

    @Test("An origin without ranges gives everything")
    func withoutRanges() async throws {
        try await withOrigin { origin in
            let bytes = randomBytes(2 << 20, seed: 6)
            var object = MemoryBackend.Object(bytes)
            object.grantsRanges = false
            origin.backend.set(object, at: origin.url)
            let demand = Demand(whole: false)
            _ = demand.add(ByteRange(1 << 20..<(1 << 20) + 5))
            let outcome = try await origin.fetcher.fetch(
                origin.resource,
                credentials: Credentials(),
                from: origin.backend,
                to: origin.destination,
                demand: demand
            ) { _, _ in }
            guard case .fetched(let file) = outcome else {
                Issue.record("not fetched")
                return
            }
            #expect(try await file.contentDigest() == Digest.of(bytes))
        }
    }

    /// The files of fetches, one for each version of their content.
    private final class Begun: Sendable {
        private let files = Mutex<[TaskID: [PieceFile]]>([:])
        var count: Int { files.withLock { $0.count } }
        func add(_ file: PieceFile, of resource: Resource) {
            files.withLock { $0[resource.taskID, default: []].append(file) }
        }
        func committed(_ resource: Resource) -> [PieceSet] {
            files.withLock { $0[resource.taskID] ?? [] }.map(\.committed)
        }
    }

    /// Fetches what is wanted of a resource.
    private func lazily(
        _ resource: Resource,
        _ origin: Origin,
        from backend: any Backend,
        _ demand: Demand,
        _ begun: Begun
    ) async throws -> Digest? {
        let outcome = try await origin.fetcher.fetch(
            resource,
            credentials: Credentials(),
            from: backend,
            to: StoreDestination(store: origin.store, task: resource.taskID),
            demand: demand
        ) { file, _ in begun.add(file, of: resource) }
        guard case .fetched(let file) = outcome else { return nil }
        return try await file.contentDigest()
    }

    @Test("However many wait for their readers, others are fetched, and each goes on when its reader wants more")
    func idle() async throws {
        try await withOrigin(tasks: 1) { origin in
            var limits = HostLimitConfiguration()
            limits.connections = 1
            let backend = HostLimitedBackend(origin.backend, HostLimits(limits))
            let bytes = randomBytes(8 << 20, seed: 8)
            let lazy = try (0..<3).map { Resource(url: try #require(ResourceURL("http://origin.test/\($0)"))) }
            for resource in lazy + [origin.resource] { origin.backend.set(.init(bytes), at: resource.url) }
            let demands = lazy.map { _ in Demand(whole: false) }
            let begun = Begun()
            try await withThrowingTaskGroup(of: Digest?.self) { group in
                for (resource, demand) in zip(lazy, demands) {
                    group.addTask {
                        try await lazily(resource, origin, from: backend, demand, begun)
                    }
                }
                await eventually { begun.count == lazy.count }
                let other = try await lazily(origin.resource, origin, from: backend, Demand(whole: true), Begun())
                #expect(other == Digest.of(bytes))
                for number in lazy.indices.reversed() {
                    _ = demands[number].add(ByteRange(5 * Self.piece..<6 * Self.piece))
                    await eventually { begun.committed(lazy[number]) == [[5]] }
                }
                for demand in demands { demand.wantAll() }
                for try await digest in group { #expect(digest == Digest.of(bytes)) }
            }
            // Each is the same fetch to its end: told of once, and no byte has left the origin twice.
            #expect(lazy.allSatisfy { begun.committed($0).count == 1 })
            #expect(origin.backend.bytesSent == Int64(4 * bytes.count))
        }
    }

    @Test("What changes at the origin while nobody wants more begins anew, never mixed")
    func changesMeanwhile() async throws {
        try await withOrigin { origin in
            let (old, new) = (randomBytes(8 << 20, seed: 9), randomBytes(8 << 20, seed: 10))
            origin.backend.set(.init(old), at: origin.url)
            let demand = Demand(whole: false)
            let first = demand.add(ByteRange(0..<1))
            let begun = Begun()
            async let fetched = lazily(origin.resource, origin, from: origin.backend, demand, begun)
            await eventually { begun.committed(origin.resource) == [[0]] }
            origin.backend.set(.init(new), at: origin.url)
            demand.remove(first)
            _ = demand.add(ByteRange(Self.piece..<Self.piece + 1))
            await eventually { begun.committed(origin.resource).last == [1] }
            demand.wantAll()
            let digest = try await fetched
            #expect(digest == Digest.of(new))
        }
    }

    @Test("A fetch that waits for readers ends when it is cancelled")
    func cancelled() async throws {
        try await withOrigin { origin in
            origin.backend.set(.init(randomBytes(2 << 20, seed: 7)), at: origin.url)
            let (demand, started) = (Demand(whole: false), TestEvent())
            let fetching = Task {
                try await origin.fetcher.fetch(
                    origin.resource,
                    credentials: Credentials(),
                    from: origin.backend,
                    to: origin.destination,
                    demand: demand
                ) { _, _ in started.fire() }
            }
            await started.wait()
            fetching.cancel()
            await #expect(throws: FetchError.self) { _ = try await fetching.value }
            #expect(origin.backend.bytesSent == 0)
        }
    }
}
