package import NodeConfig

extension ListenAddress: ConfigValue {
    /// The same as `init(_:)`.
    package init?(configText: String) { self.init(configText) }
    /// The text that it is parsed from.
    package var configText: String { description }
    /// What a person is told to write.
    package static var expectation: String { "host:port, [v6 address]:port or unix:/path" }
}

extension ListenerConfiguration: Configurable {
    /// Visits the keys of a listener's section.
    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("address", &address)
        var files = tls ?? TLS()
        try fields.section("tls", &files)
        tls = files.certificate.isEmpty ? nil : files
        try fields.value("connections", &connections)
        try fields.check("connections", connections > 0, "must be at least 1")
        try fields.value("header_timeout", &headerTimeout)
        try fields.value("idle_timeout", &idleTimeout)
        try fields.value("stall_timeout", &stallTimeout)
        try fields.value("drain", &drain)
        try fields.value("access_log", &accessLog)
        for (key, time) in [
            ("header_timeout", headerTimeout), ("idle_timeout", idleTimeout), ("stall_timeout", stallTimeout),
        ] {
            try fields.check(key, time > .zero, "must be more than nothing")
        }
    }
}

extension ConfigFields {
    /// Refuses a listener's section that other nodes could never reach.
    ///
    /// Does nothing while printing.
    package func checkReachable(_ key: String, _ listener: ListenerConfiguration) throws(ConfigError) {
        guard case .unix = listener.address.place else { return }
        try check(key, false, "must have an address of host:port: other nodes fetch from it and reach no Unix socket")
    }
}

extension ListenerConfiguration.TLS: Configurable {
    /// Visits the keys of a listener's `tls` section; without a certificate the listener is a plain one.
    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("certificate", &certificate)
        try fields.value("key", &key)
        try fields.optional("client_ca", &clientCA)
        try fields.check("key", key.isEmpty == certificate.isEmpty, "certificate and key belong together")
        try fields.check("client_ca", clientCA == nil || !certificate.isEmpty, "needs a certificate and key")
    }
}
