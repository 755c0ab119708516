public import Content
internal import Metrics
public import RateLimiting

/// Counts requests, their outcome and their bytes: `darter_backend_requests_total`, `darter_backend_bytes_total`,
/// `darter_backend_request_seconds`.
public struct MeteredBackend: Backend {
    private let base: any Backend
    private let name: String
    private let clock: any Clock<Duration>

    /// Decorates `base`; `name` is the label `backend`.
    public init(_ base: any Backend, name: String, clock: any Clock<Duration> = ContinuousClock()) {
        self.base = base
        self.name = name
        self.clock = clock
    }

    /// Those of the decorated backend.
    public var capabilities: BackendCapabilities { base.capabilities }

    /// Those of the decorated backend.
    public func connections(to url: ResourceURL) -> Places? { base.connections(to: url) }

    /// Fetches and counts.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let counter = Counter(label: "darter_backend_bytes_total", dimensions: [("backend", name)])
        try await measured("fetch") { () async throws(BackendError) in
            try await base.fetch(request, into: CountingSink(sink, counter))
        }
    }

    /// Asks and counts.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        try await measured("head") { () async throws(BackendError) in try await base.head(request) }
    }

    /// Lists and counts.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        try await measured("list") { () async throws(BackendError) in try await base.list(request) }
    }

    private func measured<Result>(
        _ operation: String,
        _ body: () async throws(BackendError) -> Result
    ) async throws(BackendError) -> Result {
        do throws(BackendError) {
            let (result, seconds) = try await Self.timed(clock, body)
            let dimensions = [("backend", name), ("operation", operation)]
            Timer(label: "darter_backend_request_seconds", dimensions: dimensions).record(duration: seconds)
            count(operation, "ok")
            return result
        } catch {
            count(operation, error.code.description)
            throw error
        }
    }

    private func count(_ operation: String, _ outcome: String) {
        let dimensions = [("backend", name), ("operation", operation), ("outcome", outcome)]
        Counter(label: "darter_backend_requests_total", dimensions: dimensions).increment()
    }

    private static func timed<Result, C: Clock<Duration>>(
        _ clock: C,
        _ body: () async throws(BackendError) -> Result
    ) async throws(BackendError) -> (Result, Duration) {
        let start = clock.now
        let result = try await body()
        return (result, start.duration(to: clock.now))
    }
}

private final class CountingSink: ContentSink {
    private let base: any ContentSink
    private let counter: Counter

    init(_ base: any ContentSink, _ counter: Counter) {
        self.base = base
        self.counter = counter
    }

    func begin(_ head: ContentHead) throws { try base.begin(head) }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        let result = try base.receive(bytes, flow: flow)
        if result == .consumed { counter.increment(by: bytes.count) }
        return result
    }
}
