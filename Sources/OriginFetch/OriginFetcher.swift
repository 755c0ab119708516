package import BackendAPI
package import CacheStore
import Content
package import Logging
package import RateLimiting

/// Brings a resource from its origin into a file: the first ranged request is the probe, more of them run beside it where
/// the origin supports ranges, broken ones go on where they broke, and two versions of the content are never mixed.
package struct OriginFetcher: Sendable {
    private let configuration: OriginFetchConfiguration
    private let limits: NodeLimits
    private let places: Places
    private let logger: Logger

    /// How a fetch ended.
    package enum Outcome: Sendable {
        /// All pieces are committed; the content's digest is still to be checked.
        case fetched(PieceFile)
        /// The origin still has the version that was asked about; the record says for how long it is fresh.
        case notModified(OriginRecord)
    }

    /// `limits`: what the node's fetches keep.
    package init(_ configuration: OriginFetchConfiguration, limits: NodeLimits = .unlimited, logger: Logger) {
        self.configuration = configuration
        self.limits = limits
        places = Places(configuration.tasks)
        self.logger = logger
        SegmentSink.beginCount()
    }

    /// Fetches `resource` with `credentials` through `backend`, once it is its turn.
    ///
    /// Where the connections to its host are limited, the fetch begins once it has one and a place; while it waits for either it
    /// holds nothing that others could use. It keeps both until all that is wanted is there: where that is not all, it gives
    /// them back, and takes its turn again when something else is wanted.
    ///
    /// `isWanted`: asked when the turn has come; a fetch that nobody wants any longer ends as cancelled.
    /// `revalidating`: what is known of a complete earlier version; if the origin still has it, nothing is fetched.
    /// `limit`: what this download keeps besides the node's limits.
    /// `demand`: what of it is wanted; as long as that is not all, the fetch goes on until all has been.
    /// `started`: called on the transport's thread once the content's head is known and a file is there to be read from.
    /// After a change at the origin it is called again, with the new generation's file.
    package func fetch(
        _ resource: Resource,
        credentials: Credentials,
        from backend: any Backend,
        to destination: any FetchDestination,
        revalidating: OriginRecord? = nil,
        limit: RateLimiter? = nil,
        demand: Demand = Demand(whole: true),
        isWanted: () -> Bool = { true },
        started: @escaping @Sendable (PieceFile, OriginRecord) -> Void
    ) async throws(FetchError) -> Outcome {
        var request = OriginRequest(resource: resource, credentials: credentials)
        request.limits = limits.fetches(of: resource.taskID) + (limit.map { [$0] } ?? [])
        var part: FetchedPart?
        while true {
            let connections = backend.connections(to: resource.url)
            request.holdsConnection = connections != nil
            let (asked, earlier) = (request, part)
            let outcome = try await inTurn(connections) { () async throws(FetchError) in
                guard isWanted() else { throw .cancelled }
                return try await attempt(
                    asked,
                    backend,
                    connections,
                    destination,
                    revalidating: earlier == nil ? revalidating : nil,
                    continuing: earlier,
                    demand,
                    started
                )
            }
            switch outcome {
            case .done(let outcome): return outcome
            case .idle(let rest):
                part = rest
                guard await demand.wantsMore(than: rest.file) else { throw .cancelled }
            }
        }
    }

    /// Runs `body` with a place, and with one of the connections where they are limited.
    private func inTurn(
        _ connections: Places?,
        _ body: () async throws(FetchError) -> FetchAttempt.Outcome
    ) async throws(FetchError) -> FetchAttempt.Outcome {
        guard let connections else { return try await places.run(cancelled: FetchError.cancelled, body) }
        while true {
            // What was free when its own line had been waited through may be taken when the other's has.
            for (first, second) in [(connections, places), (places, connections)] {
                let outcome = try await first.run(cancelled: FetchError.cancelled) { () async throws(FetchError) in
                    try await second.runIfFree(body)
                }
                if let outcome { return outcome }
            }
        }
    }

    private func attempt(
        _ request: OriginRequest,
        _ backend: any Backend,
        _ connections: Places?,
        _ destination: any FetchDestination,
        revalidating: OriginRecord?,
        continuing part: FetchedPart?,
        _ demand: Demand,
        _ started: @escaping @Sendable (PieceFile, OriginRecord) -> Void
    ) async throws(FetchError) -> FetchAttempt.Outcome {
        var restarts = 0
        var ranged = true
        var earlier = part
        if earlier == nil, revalidating == nil {
            earlier = destination.earlier().map { FetchedPart(file: $0.file, record: $0.record) }
        }
        while true {
            do {
                let attempt = FetchAttempt(
                    run: FetchRun(
                        request: request,
                        destination: destination,
                        configuration: configuration,
                        started: started
                    ),
                    backend: backend,
                    connections: connections,
                    configuration: configuration,
                    demand: demand,
                    logger: logger
                )
                return try await attempt.execute(continuing: earlier, revalidating: revalidating, ranged: ranged)
            } catch .origin(let error) where Self.startsAnew(error) {
                // The version that was being fetched is gone; nothing of it may be mixed with the new one.
                restarts += 1
                earlier = nil
                if error.code == .rangeNotSupported { ranged = false }
                guard restarts <= Self.mostRestarts else { throw .origin(error) }
                logger.notice(
                    "starting anew",
                    metadata: ["url": "\(request.resource.url.withoutQuery)", "reason": "\(error.message)"]
                )
            }
        }
    }

    /// How often content may change under way; that is no failed request, which the retry policy counts.
    private static let mostRestarts = 3

    private static func startsAnew(_ error: BackendError) -> Bool {
        error.code == .changedAtOrigin || error.code == .rangeNotSatisfiable || error.code == .rangeNotSupported
    }
}
