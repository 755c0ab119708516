public import NodeConfig

/// One entry of `backends:`: which URLs a backend serves, and the plugin's own keys.
public struct BackendEntry: Configurable {
    /// The plugin's name.
    public var plugin = ""
    /// The URL schemes; empty: those of the plugin.
    public var schemes: [String] = []
    /// The hosts: `example.com`, `example.com:8080`, `*.example.com` or `*`; an empty list serves nothing.
    public var hosts: [String] = ["*"]
    /// Only paths below these; empty: all.
    public var paths: [String] = []
    /// All other keys, for the plugin.
    public var options = RawConfig()

    /// An entry without a plugin.
    public init() {}

    /// Visits the fields.
    public mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("plugin", &plugin)
        try fields.check("plugin", !plugin.isEmpty, "must be named")
        try fields.list("schemes", &schemes)
        for scheme in schemes {
            let isLower = scheme == scheme.lowercased() && !scheme.contains(":") && !scheme.isEmpty
            try fields.check("schemes", isLower, "must be names such as https, found '\(scheme)'")
        }
        try fields.list("hosts", &hosts)
        for host in hosts {
            let form = "must be host, host:port, *.domain or *, found '\(host)'"
            try fields.check("hosts", HostPattern(host) != nil, form)
        }
        try fields.list("paths", &paths)
        for path in paths {
            try fields.check("paths", path.hasPrefix("/"), "must start with /, found '\(path)'")
        }
        fields.rest(&options)
    }
}
