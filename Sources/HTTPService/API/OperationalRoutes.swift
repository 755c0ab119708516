import HTTPTypes
package import Hummingbird
import NIOCore

/// One thing that must be in order for a process to do its work.
package struct ReadinessCheck: Sendable {
    /// Names it in the answer of `/readyz`.
    package let name: String
    /// Why it is not ready; nil if it is.
    package let reason: @Sendable () async -> String?

    /// A check that is made at every request.
    package init(_ name: String, reason: @escaping @Sendable () async -> String?) {
        self.name = name
        self.reason = reason
    }
}

/// What a process is.
package struct VersionInformation: Sendable, Encodable {
    /// The executable.
    package let name: String
    /// Its version.
    package let version: String
    /// The versions of the API that it speaks.
    package let api: [String]

    /// Name and versions.
    package init(name: String, version: String, api: [String] = ["v1"]) {
        self.name = name
        self.version = version
        self.api = api
    }
}

/// The routes that every server has: `/healthz`, `/readyz`, `/metrics` and `/version`.
package struct OperationalRoutes: Sendable {
    private struct Readiness: Encodable {
        struct Check: Encodable {
            let name: String
            let ready: Bool
            let reason: String?
        }

        let ready: Bool
        let checks: [Check]
    }

    private let version: VersionInformation
    private let checks: [ReadinessCheck]
    private let metrics: PrometheusRegistry

    /// Routes over the given sources.
    package init(version: VersionInformation, checks: [ReadinessCheck], metrics: PrometheusRegistry) {
        self.version = version
        self.checks = checks
        self.metrics = metrics
    }

    /// Adds the routes to a router.
    package func add(to router: Router<ServiceRequestContext>) {
        router.get("healthz") { _, _ in Response.text("ok\n") }
        router.get("readyz") { _, _ in await readiness() }
        router.get("version") { [version] _, _ in Response.json(version) }
        router.get("metrics") { [metrics] _, _ in
            Response(
                status: .ok,
                headers: [.contentType: PrometheusText.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition()))
            )
        }
    }

    private func readiness() async -> Response {
        var results: [Readiness.Check] = []
        for check in checks {
            let reason = await check.reason()
            results.append(Readiness.Check(name: check.name, ready: reason == nil, reason: reason))
        }
        let ready = results.allSatisfy(\.ready)
        return .json(Readiness(ready: ready, checks: results), status: ready ? .ok : .serviceUnavailable)
    }
}

extension Router where Context == ServiceRequestContext {
    /// A router for our own API: JSON error bodies, and HEAD wherever there is GET.
    package static func api() -> Router<ServiceRequestContext> {
        let router = Router(context: ServiceRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: APIErrorMiddleware())
        return router
    }
}
