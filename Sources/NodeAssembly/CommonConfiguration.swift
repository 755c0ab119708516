package import Content
import CurlTransport
package import NodeConfig
package import OriginFetch

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

/// How fast a node may be: the `limits:` section.
package struct LimitConfiguration: Sendable, Configurable {
    /// All uploads together.
    package var upload = Rate.unlimited
    /// All downloads together, from wherever.
    package var download = Rate.unlimited

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("upload", &upload)
        try fields.value("download", &download)
    }
}

/// How origins are asked: the `origin:` section.
package struct OriginConfiguration: Sendable, Configurable {
    package var fetch = OriginFetchConfiguration()
    /// Loopback, link-local, unspecified and multicast networks that may be connected to although they are none of an
    /// origin's.
    package var allowAddresses: [NetworkPrefix] = []

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fetch.bind(&fields)
        try fields.list("allow_addresses", &allowAddresses)
    }

    /// Which addresses origins may have.
    var addresses: AddressPolicy {
        .guarded(allow: allowAddresses)
    }
}
