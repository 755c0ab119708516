import FoundationEssentials
package import HTTPService
package import Hummingbird
import Metrics
import NIOCore

/// What kube-apiserver calls: `POST /mutate`.
package struct WebhookRoutes: Sendable {
    /// kube-apiserver takes objects of up to 3 MiB, and sends the one from before, too.
    private static let largest = 16 << 20

    private let rules: @Sendable () -> RewriteConfiguration
    private let isClosed: @Sendable () -> Bool
    private let metrics = WebhookMetrics()
    private let reviewer = Reviewer()

    /// The route; neither `rules` as they stand now nor `isClosed`, whether the network can not serve now, waits for anything.
    package init(rules: @escaping @Sendable () -> RewriteConfiguration, isClosed: @escaping @Sendable () -> Bool) {
        self.rules = rules
        self.isClosed = isClosed
    }

    /// Adds the route to a router.
    package func add(to router: Router<ServiceRequestContext>) {
        router.post("mutate") { request, _ in try await review(request) }
    }

    private func review(_ request: Request) async throws -> Response {
        let start = ContinuousClock.now
        let body = try await request.collect(limit: Self.largest)
        let outcome: Reviewer.Outcome
        do throws(Reviewer.Fault) {
            outcome = try reviewer.review(Data(body.readableBytesView), rules(), closed: isClosed())
        } catch {
            metrics.failed("body")
            throw APIError.badRequest(error.description)
        }
        metrics.reviewed(outcome, in: start.duration(to: .now))
        return .json(outcome.answer)
    }
}
