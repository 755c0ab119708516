import Certification
package import CurlTransport
import FoundationEssentials
import NIOSSL
package import NodeConfig

/// Which hosts' HTTPS is looked into, with what certificates, and how their servers are spoken to.
package struct Interceptor: Sendable {
    private struct Host: Sendable {
        let pattern: TextPattern
        let tls: TLSOptions
    }

    private let certificates: InterceptionCertificates?
    private let hosts: [Host]

    /// Reads the authority's files; a ``ConfigError`` says which of them can not be used.
    package init(_ configuration: InterceptionConfiguration) throws(ConfigError) {
        hosts = try configuration.hosts.map { host throws(ConfigError) in
            guard let pattern = TextPattern(host.regx) else {
                throw ConfigError(message: "hijack_https: '\(host.regx)' is no regular expression")
            }
            return Host(pattern: pattern, tls: Self.tls(host))
        }
        guard let cert = configuration.cert, let key = configuration.key else {
            certificates = nil
            return
        }
        do {
            let authority = try CertificateAuthority(certificatePEM: Self.text(cert), keyPEM: Self.text(key))
            guard authority.notAfter > Date() else {
                throw CertificateAuthority.Fault(description: "the certificate has ended on \(authority.notAfter)")
            }
            certificates = try InterceptionCertificates(authority)
        } catch let error as ConfigError {
            throw error
        } catch {
            throw ConfigError(message: "hijack_https: cert \(cert), key \(key): \(error)")
        }
    }

    /// What a client of `target` is spoken to with; nil: not at all, its bytes are passed on.
    func context(for target: ProxyTarget) throws -> NIOSSLContext? {
        guard let certificates, host(target) != nil else { return nil }
        return try certificates.context(for: target.host)
    }

    /// `options` with what the configuration says of the TLS of a host.
    package func options(_ options: TransferOptions, forHost name: String, port: Int) -> TransferOptions {
        guard let tls = tls(ofHost: name, port: port) else { return options }
        var options = options
        options.tls = tls
        return options
    }

    /// What the configuration says of the TLS of a host; nil: nothing.
    package func tls(ofHost name: String, port: Int) -> TLSOptions? {
        ProxyTarget("\(name.contains(":") ? "[\(name)]" : name):\(port)").flatMap { host($0)?.tls }
    }

    private func host(_ target: ProxyTarget) -> Host? {
        hosts.first { $0.pattern.matches(target.description) || $0.pattern.matches(target.host) }
    }

    private static func tls(_ host: InterceptedHost) -> TLSOptions {
        var tls = TLSOptions(verify: !host.insecure, clientCertificate: host.clientCert, clientKey: host.clientKey)
        tls.caFiles = host.certs
        return tls
    }

    private static func text(_ file: String) throws(ConfigError) -> String {
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw ConfigError(message: "hijack_https: can not be read: \(file)")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
