/// How one listener accepts and treats connections.
package struct ListenerConfiguration: Sendable {
    /// The files of a server certificate.
    package struct TLS: Sendable {
        /// A PEM file with the certificate chain, the server's own first.
        package var certificate: String
        /// A PEM file with the private key.
        package var key: String
        /// A PEM file with the authorities of client certificates; when set, a client must present one.
        package var clientCA: String?

        /// Names of the files; they are read when the listener starts.
        package init(certificate: String = "", key: String = "", clientCA: String? = nil) {
            self.certificate = certificate
            self.key = key
            self.clientCA = clientCA
        }
    }

    /// Where to listen.
    package var address: ListenAddress
    /// The certificate; nil is plain HTTP.
    package var tls: TLS?
    /// How many connections may be open; what is asked on further ones is answered with 503, and they are closed.
    package var connections = 100_000
    /// A new connection must have sent its first complete header by then.
    package var headerTimeout: Duration = .seconds(10)
    /// How long a connection may lie idle between requests, or a request's body may make no progress.
    package var idleTimeout: Duration = .seconds(120)
    /// How long the client may acknowledge nothing of what is being sent before the connection is given up.
    package var stallTimeout: Duration = .seconds(300)
    /// How long connections are accepted after a graceful shutdown has begun, for clients that hear late of it.
    package var notice: Duration = .zero
    /// How long running responses may go on behind that.
    package var drain: Duration = .seconds(10)
    /// The largest size of all header fields of a request together, in bytes.
    package var maximumHeaderBytes = 64 << 10
    /// Whether every request leaves a line in the log.
    package var accessLog = true

    /// A plain listener at `address` with the default limits.
    package init(address: ListenAddress, tls: TLS? = nil) {
        self.address = address
        self.tls = tls
    }
}
