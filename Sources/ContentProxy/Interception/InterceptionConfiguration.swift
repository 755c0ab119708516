package import NodeConfig

/// Whose HTTPS is looked into: the `hijack_https:` section.
package struct InterceptionConfiguration: Sendable, Configurable {
    /// A PEM file with the certificate of the authority that signs for the hosts; none: nobody's.
    package var cert: String?
    /// A PEM file with the authority's private key.
    package var key: String?
    /// Which hosts; the first that matches counts.
    package var hosts: [InterceptedHost] = []

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.optional("cert", &cert)
        try fields.checkCertificates("cert", cert)
        try fields.optional("key", &key)
        try fields.checkReadable("key", key)
        try fields.check("key", (cert == nil) == (key == nil), "cert and key belong together")
        try fields.sections("hosts", &hosts) { InterceptedHost() }
        try fields.check(
            "hosts",
            hosts.isEmpty || cert != nil,
            "need cert and key of an authority; make one with: dfdaemon gen-ca"
        )
    }
}

/// Hosts that are intercepted, and how their servers are spoken to.
package struct InterceptedHost: Sendable, Configurable {
    /// What is looked for in `host:port` and in `host` alone.
    package var regx = ""
    /// Take whatever certificate the server shows.
    package var insecure = false
    /// PEM files with authorities that the server's certificate may be signed by, besides the system's.
    package var certs: [String] = []
    /// A PEM file with the certificate that the server is shown.
    package var clientCert: String?
    /// A PEM file with its key; none: it is in the same file.
    package var clientKey: String?

    package init() {}

    package mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
        try fields.value("regx", &regx)
        let isPattern = TextPattern(regx) != nil
        try fields.check("regx", isPattern, "must be a regular expression such as ^registry\\.example\\.com$")
        try fields.value("insecure", &insecure)
        try fields.list("certs", &certs)
        for file in certs { try fields.checkCertificates("certs", file) }
        try fields.optional("client_cert", &clientCert)
        try fields.checkCertificates("client_cert", clientCert)
        try fields.optional("client_key", &clientKey)
        try fields.checkReadable("client_key", clientKey)
        try fields.check("client_key", clientKey == nil || clientCert != nil, "needs a client_cert")
    }
}
