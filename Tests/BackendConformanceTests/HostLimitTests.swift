import BackendAPI
import Content
import NodeConfig
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct HostLimitTests {
    /// Counts the requests that an origin has under way, and holds them back.
    private final class Load: Sendable {
        private let state = Mutex<(now: Int, most: Int, sofar: Int)>((0, 0, 0))
        let opened = TestEvent()

        var most: Int { state.withLock { $0.most } }
        var sofar: Int { state.withLock { $0.sofar } }

        func answer(_ request: ScriptedRequest, _ content: [UInt8]) async -> Script {
            state.withLock { state in
                state.sofar += 1
                state.now += 1
                state.most = max(state.most, state.now)
            }
            await opened.wait()
            state.withLock { $0.now -= 1 }
            return .content(content, for: request)
        }
    }

    private static let content = randomBytes(1000, seed: 5)

    private func limits(_ yaml: String) throws -> HostLimits {
        var configuration = HostLimitConfiguration()
        try RawConfig(yaml: yaml, file: "test.yml").bind(into: &configuration)
        return HostLimits(configuration)
    }

    private func fetch(_ count: Int, from url: String, through backend: any Backend) async throws {
        try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for number in 0..<count {
                group.addTask {
                    let resource = Resource(url: try resourceURL("\(url)/\(number)"))
                    return try await backend.content(OriginRequest(resource: resource), limit: 1 << 20).bytes
                }
            }
            for try await bytes in group { #expect(bytes == Self.content) }
        }
    }

    @Test("So many requests to a host run at once, whichever backend makes them, and another host's are not held up")
    func connections() async throws {
        let (busy, other) = (Load(), Load())
        try await withScriptedServer {
            await busy.answer($0, Self.content)
        } body: { first in
            try await withScriptedServer {
                await other.answer($0, Self.content)
            } body: { second in
                let limits = try limits("connections: 3")
                let backends = try [httpBackend(), httpBackend()].map { HostLimitedBackend($0, limits) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for backend in backends {
                        group.addTask { try await fetch(8, from: first.url(""), through: backend) }
                    }
                    await eventually { busy.sofar == 3 }
                    other.opened.fire()
                    try await fetch(5, from: second.url(""), through: backends[0])
                    #expect(busy.sofar == 3)
                    busy.opened.fire()
                    try await group.waitForAll()
                }
                #expect(busy.sofar == 16)
                #expect(busy.most == 3)
                #expect(other.sofar == 5)
                #expect(limits.count == 2)
            }
        }
    }

    @Test("Where a host redirects to counts as that host")
    func redirects() async throws {
        let load = Load()
        try await withScriptedServer {
            await load.answer($0, Self.content)
        } body: { target in
            try await withScriptedServer {
                .redirect(to: target.url($0.path))
            } body: { host in
                let limits = try limits("connections: 2")
                let backend = HostLimitedBackend(try httpBackend(), limits)
                async let redirected: Void = fetch(6, from: host.url(""), through: backend)
                await eventually { load.sofar == 2 }
                // Who goes there by himself has connections of his own.
                async let direct: Void = fetch(4, from: target.url(""), through: backend)
                await eventually { load.sofar == 4 }
                load.opened.fire()
                _ = try await (redirected, direct)
                #expect(load.most <= 4)
                #expect(load.sofar == 10)
            }
        }
    }

    @Test("Who gives up while it waits for a connection ends, and takes none")
    func cancelled() async throws {
        let load = Load()
        try await withScriptedServer {
            await load.answer($0, Self.content)
        } body: { server in
            let backend = HostLimitedBackend(try httpBackend(), try limits("connections: 1"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await fetch(1, from: server.url(""), through: backend) }
                await eventually { load.sofar == 1 }
                let waiting = Task.immediate { try await fetch(1, from: server.url(""), through: backend) }
                waiting.cancel()
                let error = await #expect(throws: BackendError.self) { try await waiting.value }
                #expect(error?.code == .cancelled)
                load.opened.fire()
                try await group.waitForAll()
            }
            try await fetch(1, from: server.url(""), through: backend)
            #expect(load.most == 1)
        }
    }

    @Test("All requests to a host keep its rate together, and another host's have their own")
    func rate() async throws {
        let content = randomBytes(300_000, seed: 6)
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { first in
            try await withScriptedServer {
                .content(content, for: $0)
            } body: { second in
                let backend = HostLimitedBackend(try httpBackend(), try limits("rate: 1MB/s"))
                let begin = ContinuousClock.now
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for (number, server) in [first, first, first, second].enumerated() {
                        group.addTask {
                            let resource = Resource(url: try resourceURL(server.url("/\(number)")))
                            let request = OriginRequest(resource: resource)
                            _ = try await backend.content(request, limit: 1 << 20)
                            return number
                        }
                    }
                    let order = try await group.reduce(into: []) { $0.append($1) }
                    #expect(order.first == 3, "\(order)")
                }
                #expect(ContinuousClock.now - begin > .milliseconds(700))
            }
        }
    }

    @Test("A limit that makes no sense is refused")
    func mistakes() throws {
        #expect(throws: ConfigError.self) { try limits("connections: 0") }
        #expect(try limits("{}").count == 0)
    }
}
