import BackendAPI
import CacheStore
import Content
import OriginFetch
import RateLimiting
import Synchronization
import TestSupport
import Testing

/// Holds each fetch back until it is told to let it go.
private final class SteppedBackend: Backend {
    struct Step: Sendable {
        let url: ResourceURL
        let offset: Int64
        let release = TestEvent()
    }

    private let base: any Backend
    private let state = Mutex((steps: [Step](), running: 0, most: 0))

    init(_ base: any Backend) { self.base = base }

    var capabilities: BackendCapabilities { base.capabilities }
    /// What has come so far, in order.
    var steps: [Step] { state.withLock { $0.steps } }
    var most: Int { state.withLock { $0.most } }

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let step = Step(url: request.resource.url, offset: request.range?.offset ?? 0)
        state.withLock { state in
            state.steps.append(step)
            state.running += 1
            state.most = max(state.most, state.running)
        }
        defer { state.withLock { $0.running -= 1 } }
        await step.release.wait()
        try await base.fetch(request, into: sink)
    }

    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead { try await base.head(request) }
}

@Suite(.timeLimit(.minutes(1))) struct HostConnectionTests {
    /// A probe, and four segments of 1 MiB behind it.
    private static let bytes = randomBytes(20 << 20, seed: 11)

    private func limited(_ backend: any Backend, connections: Int) -> HostLimitedBackend {
        var configuration = HostLimitConfiguration()
        configuration.connections = connections
        return HostLimitedBackend(backend, HostLimits(configuration))
    }

    private func put(_ origin: Origin, at text: String) throws -> Resource {
        let url = try #require(ResourceURL(text))
        origin.backend.set(.init(Self.bytes), at: url)
        return Resource(url: url)
    }

    private func fetch(_ resource: Resource, _ origin: Origin, from backend: any Backend) async throws -> Bool {
        let outcome = try await origin.fetcher.fetch(
            resource,
            credentials: Credentials(),
            from: backend,
            to: StoreDestination(store: origin.store, task: resource.taskID)
        ) { _, _ in }
        guard case .fetched(let file) = outcome else { return false }
        return try await file.contentDigest() == Digest.of(Self.bytes)
    }

    @Test(
        "Fetches of several segments end, however few places and connections they share",
        arguments: [(1, 1), (3, 1), (1, 2), (2, 3), (4, 4)]
    )
    func ends(tasks: Int, connections: Int) async throws {
        try await withOrigin(segment: 1 << 20, tasks: tasks) { origin in
            let stepped = SteppedBackend(origin.backend)
            let backend = limited(stepped, connections: connections)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<4 {
                    let resource = try put(origin, at: "http://slow/\(number)")
                    group.addTask { try await fetch(resource, origin, from: backend) }
                }
                for number in 0..<20 {
                    await eventually { stepped.steps.count > number }
                    stepped.steps[number].release.fire()
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(stepped.most <= connections)
        }
    }

    @Test("What has one connection gets more only while nobody waits for one")
    func more() async throws {
        try await withOrigin(segment: 1 << 20) { origin in
            let stepped = SteppedBackend(origin.backend)
            let backend = limited(stepped, connections: 2)
            let (first, second) = (try put(origin, at: "http://slow/1"), try put(origin, at: "http://slow/2"))
            async let one = fetch(first, origin, from: backend)
            await eventually { stepped.steps.count == 1 }
            stepped.steps[0].release.fire()
            await eventually { stepped.steps.count == 3 }
            async let other = fetch(second, origin, from: backend)
            await eventually { backend.connections(to: second.url)?.waiting == 1 }
            // The later segment is the one over the further connection.
            try #require(stepped.steps.max { $0.offset < $1.offset }).release.fire()
            await eventually { stepped.steps.count == 4 }
            #expect(stepped.steps[3].url == second.url)
            for number in 1..<10 {
                await eventually { stepped.steps.count > number }
                stepped.steps[number].release.fire()
            }
            let isRight = try await (one, other)
            #expect(isRight == (true, true))
            #expect(stepped.most == 2)
        }
    }

    @Test("Who waits for a place keeps no connection from a question to the same host")
    func questions() async throws {
        try await withOrigin(tasks: 1) { origin in
            let (busy, stepped) = (SteppedBackend(origin.backend), SteppedBackend(origin.backend))
            let backend = limited(stepped, connections: 1)
            let (other, resource) = (try put(origin, at: "http://other/1"), try put(origin, at: "http://slow/1"))
            async let first = fetch(other, origin, from: busy)
            await eventually { busy.steps.count == 1 }
            async let second = fetch(resource, origin, from: backend)
            for _ in 0..<100 {
                _ = try await backend.head(OriginRequest(resource: resource))
                await Task.yield()
            }
            #expect(stepped.steps.isEmpty)
            for stepper in [busy, stepped] {
                await eventually { stepper.steps.count == 1 }
                stepper.steps[0].release.fire()
                await eventually { stepper.steps.count == 2 }
                stepper.steps[1].release.fire()
            }
            let isRight = try await (first, second)
            #expect(isRight == (true, true))
        }
    }

    @Test("Who waits for a connection holds no place among the fetches")
    func places() async throws {
        try await withOrigin(tasks: 2) { origin in
            let stepped = SteppedBackend(origin.backend)
            let backend = limited(stepped, connections: 1)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<3 {
                    let resource = try put(origin, at: "http://slow/\(number)")
                    group.addTask { try await fetch(resource, origin, from: backend) }
                }
                await eventually { stepped.steps.count == 1 }
                await eventually { backend.connections(to: stepped.steps[0].url)?.waiting == 2 }
                #expect(try await fetch(try put(origin, at: "http://other/1"), origin, from: origin.backend))
                group.cancelAll()
                while let result = await group.nextResult() { #expect(throws: FetchError.self) { try result.get() } }
            }
        }
    }
}
