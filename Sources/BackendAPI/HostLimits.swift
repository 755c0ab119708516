internal import Content
public import NodeConfig
internal import RateLimiting

/// What all requests to one origin host together may take: the `host_limit:` section.
public struct HostLimitConfiguration: Sendable, Configurable {
    /// Bytes received.
    public var rate = Rate.unlimited
    /// Requests at once; nil: as many as there are.
    public var connections: Int?

    /// No limit.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("rate", &rate)
        try fields.optional("connections", &connections)
        try fields.check("connections", connections.map { $0 >= 1 } ?? true, "must be at least 1")
    }
}

/// What all requests of a process to one origin host together may take.
///
/// A host is the host and port that a URL names; where it redirects to counts as the same.
public final class HostLimits: Sendable {
    /// The rate of one host, which its tasks share.
    final class Rates: Sendable {
        let limits: RateLimits<TaskID>

        init(_ rate: Int64) { limits = RateLimits(within: RateLimiter(bytesPerSecond: rate)) }

        var isIdle: Bool { limits.total?.isIdle(at: .now) ?? true }
    }

    /// Nil where there is no limit.
    private let rates: SharedTable<String, Rates>?
    /// Nil where there is no limit.
    private let connections: SharedTable<String, Places>?

    /// The same limits for every host.
    public init(_ configuration: HostLimitConfiguration) {
        rates = configuration.rate.bytesPerSecond.map { rate in
            SharedTable(make: { _ in Rates(rate) }, isIdle: { $0.isIdle })
        }
        connections = configuration.connections.map { count in
            SharedTable(make: { _ in Places(count) }, isIdle: { $0.isIdle })
        }
    }

    /// How many hosts are remembered.
    public var count: Int { max(rates?.count ?? 0, connections?.count ?? 0) }

    /// The rate that requests for `url` share; nil where there is no limit.
    func rates(of url: ResourceURL) -> Rates? { Self.entry(of: url, in: rates) }

    /// The connections that requests for `url` share; nil where there is no limit.
    func connections(to url: ResourceURL) -> Places? { Self.entry(of: url, in: connections) }

    private static func entry<Value>(of url: ResourceURL, in table: SharedTable<String, Value>?) -> Value? {
        // Without a host it is this machine itself that is read from.
        guard let table, !url.host.isEmpty else { return nil }
        return table["\(url.host):\(url.portInUse.map { "\($0)" } ?? url.scheme)"]
    }
}
