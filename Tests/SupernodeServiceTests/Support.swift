import BackendAPI
import CacheStore
import Content
import Logging
import NodeConfig
import OriginFetch
import SwarmScheduling
import Synchronization
import TestSupport
import Testing
import WireAPI

@testable import SupernodeService

/// Holds back what an origin answers to requests for one URL.
final class Gate: Sendable {
    let reached = TestEvent()
    let opened = TestEvent()

    func open() { opened.fire() }
}

/// An origin in memory whose answers can be held back.
final class HeldOrigin: Backend {
    let memory = MemoryBackend()
    private let gates = Mutex<[String: Gate]>([:])
    private let requests = Mutex((running: 0, most: 0))

    /// How many requests are being answered.
    var running: Int { requests.withLock { $0.running } }
    /// How many were at most.
    var mostRunning: Int { requests.withLock { $0.most } }

    var capabilities: BackendCapabilities { memory.capabilities }

    /// From now on requests for `url` wait.
    func hold(_ url: ResourceURL) -> Gate {
        let gate = Gate()
        gates.withLock { $0[url.text] = gate }
        return gate
    }

    func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        requests.withLock { requests in
            requests.running += 1
            requests.most = max(requests.most, requests.running)
        }
        defer { requests.withLock { $0.running -= 1 } }
        await pass(request)
        if Task.isCancelled { throw BackendError(.cancelled, "cancelled") }
        try await memory.fetch(request, into: sink)
    }

    func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        await pass(request)
        return try await memory.head(request)
    }

    private func pass(_ request: OriginRequest) async {
        guard let gate = gates.withLock({ $0[request.resource.url.text] }) else { return }
        gate.reached.fire()
        await gate.opened.wait()
    }
}

private struct HeldPlugin: BackendPlugin {
    let origin: HeldOrigin
    var name: String { "held" }
    var schemes: [String] { ["http"] }
    func makeBackend(_ options: RawConfig) throws(ConfigError) -> any Backend { origin }
}

/// Keeps what is logged.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])
    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    func logger() -> Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}

/// The time of a supernode, which passes only when a test says so.
final class ManualTime: Sendable {
    private let elapsed = Mutex(Duration.zero)
    private let start = ContinuousClock.now

    var now: ContinuousClock.Instant { start + elapsed.withLock { $0 } }

    var clock: SupernodeClock {
        SupernodeClock(now: { self.now }, date: { UnixTime.now() + self.elapsed.withLock { $0 }.seconds })
    }

    func pass(_ time: Duration) { elapsed.withLock { $0 += time } }
}

/// A supernode in this process, without its HTTP API.
struct Rig: Sendable {
    let supernode: SupernodeService.Supernode
    let origin: HeldOrigin
    let store: CacheStore
    let logs: LogLines
    let time: ManualTime

    /// Lets time pass, and the supernode do what is due then.
    func pass(_ duration: Duration) {
        time.pass(duration)
        supernode.tick(at: time.now, lookingAt: supernode.peers.all)
    }

    /// A registered peer that calls from `address`.
    func peer(_ name: String = "peer", port: Int = 1, from address: String = "127.0.0.1") throws -> PeerSession {
        let request = PeerRegistrationRequest(port: port, name: name, uploadSlots: 4)
        let answer = try supernode.register(request, from: address, token: nil, piecesPort: 2)
        return try supernode.session(answer.peer, presenting: answer.key)
    }

    /// Puts an object at the origin.
    @discardableResult
    func put(_ bytes: [UInt8], at text: String, credentials: HeaderFields = [:]) throws -> ResourceURL {
        let url = try #require(ResourceURL(text))
        var object = MemoryBackend.Object(bytes)
        object.credentials = Credentials(headers: credentials)
        origin.memory.set(object, at: url)
        return url
    }

    /// Waits until the origin's answer has been dealt with to the end; a task may have been forgotten since.
    func settled(_ task: TaskID) async {
        await eventually { supernode.tasks.content(of: task)?.isFetching != true }
    }

    func join(
        _ session: PeerSession,
        _ url: ResourceURL?,
        digest: Digest? = nil,
        credentials: HeaderFields = [:],
        offersOnly: Bool? = nil,
        freshness: FreshnessDemand? = nil
    ) async throws(WireError) -> TaskRegistrationResponse {
        try await supernode.join(
            TaskRegistrationRequest(
                url: url,
                digest: digest,
                credentials: credentials,
                offersOnly: offersOnly,
                freshness: freshness
            ),
            session
        )
    }

    /// One call about one task; what it brings for that task.
    func exchange(
        _ session: PeerSession,
        _ sequence: UInt64,
        open: [UInt64] = [],
        wait: Int = 0,
        _ reports: TaskReport...
    ) async throws -> [TaskUpdate] {
        try await supernode.exchange(
            ExchangeRequest(sequence: sequence, open: open, waitMilliseconds: wait, tasks: reports),
            session
        ).tasks
    }
}

/// The code of the error that `body` throws.
func code(_ body: () async throws(WireError) -> some Any) async -> WireError.Code? {
    do throws(WireError) {
        _ = try await body()
        return nil
    } catch {
        return error.code
    }
}

/// Runs `body` with a supernode over an empty store and an empty origin.
func withSupernode(
    token: String? = nil,
    attempts: Int = 1,
    tasks: Int = 64,
    connections: Int? = nil,
    _ adjust: (inout PeerConfiguration) -> Void = { _ in },
    _ body: (Rig) async throws -> Void
) async throws {
    try await withTemporaryDirectory { directory in
        var place = StoreConfiguration()
        place.directory = directory
        place.freeSpaceFloor = ByteCount(bytes: 0)
        var fetching = OriginFetchConfiguration()
        fetching.tasks = tasks
        var hosts = HostLimitConfiguration()
        hosts.connections = connections
        let limits = HostLimits(hosts)
        fetching.retry.attempts = attempts
        fetching.retry.baseDelay = .zero
        var configuration = PeerConfiguration()
        // What a window is filled with does not depend on how fast anything was.
        configuration.scheduler.childStart = 16
        adjust(&configuration)
        let logs = LogLines()
        let store = try await CacheStore.open(place, logger: logs.logger())
        let origin = HeldOrigin()
        let time = ManualTime()
        let supernode = SupernodeService.Supernode(
            configuration: configuration,
            origin: fetching,
            store: store,
            backends: try BackendRegistry(plugins: [HeldPlugin(origin: origin)], entries: []) { backend, _ in
                HostLimitedBackend(backend, limits)
            },
            clusterToken: token,
            clock: time.clock,
            logger: logs.logger()
        )
        let running = Task { try await supernode.run() }
        do {
            try await body(Rig(supernode: supernode, origin: origin, store: store, logs: logs, time: time))
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        try? await running.value
        await store.close()
    }
}
