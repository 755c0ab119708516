package import Content
package import NodeConfig

/// What becomes of requests whose URL matches: one of the `proxies:` list.
package struct ForwardRule: Sendable, Configurable {
    /// Looked for in the whole URL; a rule without one is refused.
    package var pattern: URLPattern?
    /// Ask the origin over TLS, though the client did not.
    package var useHTTPS = false
    /// Pass it on straight, without the swarm.
    package var direct = false
    /// Ask there instead: host, or host:port.
    package var redirect: Authority?
    /// Query parameters that do not name the content (signatures, tokens); `*` is all of them.
    package var ignoredQuery: [String] = []
    /// For so long content is good, whatever its origin says of that.
    package var freshness: Duration?
    /// Whether requests with an `Authorization` go through the swarm, each client's right being asked for at the origin.
    package var allowAuthorization = false

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("regx", &pattern)
        try fields.check("regx", pattern != nil, "must be given: what to look for in URLs")
        try fields.value("use_https", &useHTTPS)
        try fields.value("direct", &direct)
        try fields.optional("redirect", &redirect)
        try fields.list("ignored_query", &ignoredQuery)
        try fields.optional("freshness", &freshness)
        try fields.value("allow_authorization", &allowAuthorization)
    }

    /// The URL to ask in place of `url`.
    package func target(of url: ResourceURL) -> ResourceURL {
        let scheme = useHTTPS ? "https" : url.scheme
        let authority = redirect?.text ?? url.authority
        return ResourceURL("\(scheme)://\(authority)\(url.path)\(url.query.map { "?\($0)" } ?? "")") ?? url
    }
}

extension [ForwardRule] {
    /// The first rule that matches; nil: the request passes straight.
    func first(for url: ResourceURL) -> ForwardRule? {
        let text = url.text
        return first { $0.pattern?.matches(text) ?? false }
    }
}

/// A host, or host:port.
package struct Authority: Sendable, Hashable, ConfigValue {
    /// As it stands in a URL.
    package let text: String

    package init?(configText: String) {
        guard let url = ResourceURL("http://\(configText)"), url.path == "/", url.query == nil, url.userInfo == nil,
            !configText.contains("/"), !configText.contains("#")
        else { return nil }
        text = configText.lowercased()
    }

    package var configText: String { text }
    package static var expectation: String { "a host, or host:port" }
}
