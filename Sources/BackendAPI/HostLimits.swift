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
    /// What one host's requests share.
    final class Host: Sendable {
        let rates: RateLimits<TaskID>
        let places: Places?

        init(_ configuration: HostLimitConfiguration) {
            rates = RateLimits(
                within: configuration.rate.bytesPerSecond.map { RateLimiter(bytesPerSecond: $0) }
            )
            places = configuration.connections.map { Places($0) }
        }

        var isIdle: Bool { (rates.total?.isIdle(at: .now) ?? true) && (places?.isIdle ?? true) }
    }

    /// Nil where there is no limit.
    private let hosts: SharedTable<String, Host>?

    /// The same limits for every host.
    public init(_ configuration: HostLimitConfiguration) {
        let isLimited = configuration.rate != .unlimited || configuration.connections != nil
        hosts = isLimited ? SharedTable(make: { _ in Host(configuration) }, isIdle: { $0.isIdle }) : nil
    }

    /// How many hosts are remembered.
    public var count: Int { hosts?.count ?? 0 }

    /// What requests for `url` share; nil where there is no limit.
    func host(of url: ResourceURL) -> Host? {
        // Without a host it is this machine itself that is read from.
        guard let hosts, !url.host.isEmpty else { return nil }
        return hosts["\(url.host):\(url.portInUse.map { "\($0)" } ?? url.scheme)"]
    }
}
