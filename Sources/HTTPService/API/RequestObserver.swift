import HTTPTypes
import Hummingbird
import Logging
import Metrics
import NIOCore
import Synchronization

/// Counts and logs the requests of a listener.
final class RequestObserver: Sendable {
    private let name: String
    private let accessLog: Bool
    private let metrics: any MetricsFactory
    private let duration: Timer
    private let bytes: Counter
    private let open: Meter
    private let requests = Mutex<[Int: Counter]>([:])

    init(name: String, accessLog: Bool, metrics: any MetricsFactory) {
        let listener = [("listener", name)]
        self.name = name
        self.accessLog = accessLog
        self.metrics = metrics
        duration = Timer(label: "http_request_duration_seconds", dimensions: listener, factory: metrics)
        bytes = Counter(label: "http_response_bytes_total", dimensions: listener, factory: metrics)
        open = Meter(label: "http_connections", dimensions: listener, factory: metrics)
    }

    func connectionOpened() { open.increment() }
    func connectionClosed() { open.decrement() }

    func observed(
        _ request: Request,
        _ context: ServiceRequestContext,
        _ outcome: RequestServer.Outcome,
        since start: ContinuousClock.Instant
    ) {
        observed(outcome, since: start, context.logger) { Self.line(request, context, outcome) }
    }

    /// What the access log has of a request, but for its time.
    static func line(
        _ request: Request,
        _ context: ServiceRequestContext,
        _ outcome: RequestServer.Outcome
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "method": "\(request.method.rawValue)", "path": "\(target(request))", "status": "\(outcome.status)",
            "bytes": "\(outcome.bytes)", "remote": "\(context.remote)",
        ]
        metadata.merge(context.notes.all) { own, _ in own }
        return metadata
    }

    /// Counts and logs a request that is none, and so is answered with `status`; `why`: in words that are not the client's.
    func refused(_ status: HTTPResponse.Status, _ why: String, _ channel: any Channel, _ logger: Logger) {
        observed(RequestServer.Outcome(status: status.code, bytes: 0, isComplete: true), since: .now, logger) {
            [
                "status": "\(status.code)", "bytes": "0", "remote": "\(RemoteAddress(channel.remoteAddress))",
                "refused": "\(why)",
            ]
        }
    }

    /// Counts and logs a request; `line`: what the log has of it besides.
    func observed(
        _ outcome: RequestServer.Outcome,
        since start: ContinuousClock.Instant,
        _ logger: Logger,
        line: () -> Logger.Metadata
    ) {
        let elapsed = start.duration(to: .now)
        counter(for: outcome.status).increment()
        bytes.increment(by: outcome.bytes)
        duration.recordNanoseconds(
            elapsed.components.seconds * 1_000_000_000 + elapsed.components.attoseconds / 1_000_000_000
        )
        guard accessLog else { return }
        let microseconds = elapsed.components.seconds * 1_000_000 + elapsed.components.attoseconds / 1_000_000_000_000
        var metadata = line()
        metadata["ms"] = "\(Double(microseconds) / 1000)"
        if !outcome.isComplete { metadata["aborted"] = "true" }
        logger.info("request", metadata: metadata)
    }

    /// What was asked for, and the names of query parameters without their values, which may be secret.
    private static func target(_ request: Request) -> String {
        let authority = request.head.authority ?? ""
        if request.method == .connect { return authority }
        let path = (request.head.scheme.map { "\($0)://\(authority)" } ?? "") + request.uri.path
        guard let query = request.uri.query, !query.isEmpty else { return path }
        let names = query.split(separator: "&").map { $0.prefix { $0 != "=" } + "=" }
        return path + "?" + names.joined(separator: "&")
    }

    private func counter(for status: Int) -> Counter {
        requests.withLock { requests in
            if let counter = requests[status] { return counter }
            let dimensions = [("listener", name), ("status", String(status))]
            let counter = Counter(label: "http_requests_total", dimensions: dimensions, factory: metrics)
            requests[status] = counter
            return counter
        }
    }
}
