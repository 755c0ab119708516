package import BackendAPI
package import Content
import CurlTransport
package import NodeConfig
package import OriginFetch
package import RateLimiting

/// What is logged: the `log:` section.
package struct LogConfiguration: Sendable, Configurable {
    /// How much is logged, in the words of swift-log.
    package enum Level: String, CaseIterable, ConfigValue {
        case trace, debug, info, notice, warning, error, critical
    }

    package var level = Level.info

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("level", &level)
    }
}

/// Who belongs to the cluster: the `cluster:` section.
package struct ClusterConfiguration: Sendable, Configurable {
    /// A file whose first line is the secret that a peer shows when it registers; none: everybody who can reach a supernode
    /// may register.
    package var tokenFile: String?

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("token_file", &tokenFile)
    }
}

/// How fast something may be.
package struct RateConfiguration: Sendable, Configurable {
    /// What is sent to other nodes.
    package var upload = Rate.unlimited
    /// What is received, from wherever.
    package var download = Rate.unlimited
    /// What is received from origins.
    package var origin = Rate.unlimited

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("upload", &upload)
        try fields.value("download", &download)
        try fields.value("origin", &origin)
    }
}

/// How fast a node may be: the `limits:` section.
package struct LimitConfiguration: Sendable, Configurable {
    /// All tasks together.
    package var total = RateConfiguration()
    /// Each task by itself.
    package var task = RateConfiguration()

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try total.bind(&fields)
        try fields.section("task", &task)
    }

    /// Their limiters; `outer`: what uploads and downloads together keep besides.
    package func limits(within outer: RateLimiter? = nil) -> NodeLimits {
        NodeLimits(
            upload: Self.limits(total.upload, each: task.upload, within: outer),
            download: Self.limits(total.download, each: task.download, within: outer),
            origin: Self.limits(total.origin, each: task.origin, within: nil)
        )
    }

    private static func limits(_ total: Rate, each: Rate, within outer: RateLimiter?) -> RateLimits<TaskID> {
        let limiter = total.bytesPerSecond.map { RateLimiter(bytesPerSecond: $0, within: outer) }
        return RateLimits(each: each.bytesPerSecond, within: limiter ?? outer)
    }
}

/// How origins are asked: the `origin:` section.
package struct OriginConfiguration: Sendable, Configurable {
    package var fetch = OriginFetchConfiguration()
    package var hostLimit = HostLimitConfiguration()
    /// Loopback, link-local, unspecified and multicast networks that may be connected to although they are none of an
    /// origin's.
    package var allowAddresses: [NetworkPrefix] = []

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fetch.bind(&fields)
        try fields.section("host_limit", &hostLimit)
        try fields.list("allow_addresses", &allowAddresses)
    }

    /// Which addresses origins may have.
    var addresses: AddressPolicy {
        .guarded(allow: allowAddresses)
    }
}
