public import Content
public import RateLimiting
internal import Synchronization

/// Repeats requests that failed for a passing reason, by a ``RetryPolicy``.
///
/// A fetch is repeated only while its sink has not begun: from then on whoever owns the bytes knows better where to go
/// on.
public struct RetryingBackend: Backend {
    private let base: any Backend
    private let policy: RetryPolicy
    private let clock: any Clock<Duration>
    private let chance: @Sendable () -> Double

    /// Decorates `base`; `chance` gives random numbers from 0 up to 1.
    public init(
        _ base: any Backend,
        policy: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration> = ContinuousClock(),
        chance: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.base = base
        self.policy = policy
        self.clock = clock
        self.chance = chance
    }

    /// Those of the decorated backend.
    public var capabilities: BackendCapabilities { base.capabilities }

    /// Those of the decorated backend.
    public func connections(to url: ResourceURL) -> Places? { base.connections(to: url) }

    /// Fetches, and again as long as the sink has not begun.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        let watched = WatchedSink(sink)
        try await repeating { error in
            watched.hasBegun ? nil : error
        } _: { () async throws(BackendError) in
            try await base.fetch(request, into: watched)
        }
    }

    /// Asks, and again.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        try await repeating { () async throws(BackendError) in try await base.head(request) }
    }

    /// Lists, and again.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        try await repeating { () async throws(BackendError) in try await base.list(request) }
    }

    /// `repeatable` gives nil for an error that must not be repeated whatever the policy says.
    private func repeating<Result>(
        _ repeatable: (BackendError) -> BackendError? = { $0 },
        _ attempt: () async throws(BackendError) -> Result
    ) async throws(BackendError) -> Result {
        var count = 1
        while true {
            let failure: BackendError
            do throws(BackendError) {
                return try await attempt()
            } catch {
                failure = error
            }
            guard let error = repeatable(failure),
                let delay = policy.delay(after: error, attempt: count, chance: chance())
            else { throw failure }
            do {
                try await clock.sleep(for: delay)
            } catch {
                throw BackendError(.cancelled, "cancelled while waiting to try again", cause: failure)
            }
            count += 1
        }
    }
}

/// Remembers whether its sink has begun.
private final class WatchedSink: ContentSink {
    private let base: any ContentSink
    private let begun = Atomic(false)

    init(_ base: any ContentSink) { self.base = base }

    var hasBegun: Bool { begun.load(ordering: .acquiring) }

    func begin(_ head: ContentHead) throws {
        begun.store(true, ordering: .releasing)
        try base.begin(head)
    }

    func receive(_ bytes: UnsafeRawBufferPointer, flow: any FlowControl) throws -> SinkResult {
        try base.receive(bytes, flow: flow)
    }
}
