public import Content
public import RateLimiting

/// Keeps the requests of all backends that share its limits within what one origin host is to bear.
///
/// Requests over a host's connections wait in order; its rate is shared in equal parts among the tasks.
public struct HostLimitedBackend: Backend {
    private let base: any Backend
    private let limits: HostLimits

    /// Decorates `base`.
    public init(_ base: any Backend, _ limits: HostLimits) {
        self.base = base
        self.limits = limits
    }

    /// Those of the decorated backend.
    public var capabilities: BackendCapabilities { base.capabilities }

    /// The host's.
    public func connections(to url: ResourceURL) -> Places? { limits.connections(to: url) }

    /// Fetches once there is a connection for it.
    public func fetch(_ request: OriginRequest, into sink: any ContentSink) async throws(BackendError) {
        try await limited(request) { request throws(BackendError) in try await base.fetch(request, into: sink) }
    }

    /// Asks once there is a connection for it.
    public func head(_ request: OriginRequest) async throws(BackendError) -> ContentHead {
        try await limited(request) { request throws(BackendError) in try await base.head(request) }
    }

    /// Lists once there is a connection for it.
    public func list(_ request: OriginRequest) async throws(BackendError) -> [ListedEntry] {
        try await limited(request) { request throws(BackendError) in try await base.list(request) }
    }

    private func limited<Result>(
        _ request: OriginRequest,
        _ body: (OriginRequest) async throws(BackendError) -> Result
    ) async throws(BackendError) -> Result {
        let url = request.resource.url
        let rates = limits.rates(of: url)
        // What is held is not forgotten.
        defer { withExtendedLifetime(rates) {} }
        var request = request
        if let limiter = rates?.limits.limiter(of: request.resource.taskID) { request.limits.append(limiter) }
        guard !request.holdsConnection, let connections = limits.connections(to: url) else {
            return try await body(request)
        }
        return try await connections.run(cancelled: BackendError(.cancelled, "cancelled")) { () throws(BackendError) in
            try await body(request)
        }
    }
}
