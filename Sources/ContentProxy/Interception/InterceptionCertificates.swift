import Certification
import Crypto
import FoundationEssentials
import NIOCore
import NIOSSL
import Synchronization

/// The certificates that clients are shown in the place of intercepted hosts, made when they are first needed.
///
/// One private key serves all of them: it never leaves the process.
final class InterceptionCertificates: Sendable {
    private struct Entry<Value: Sendable>: Sendable {
        let value: Value
        let renewal: Date
    }

    private struct State {
        var chains: [String: Entry<[NIOSSLCertificateSource]>] = [:]
        var contexts: [String: Entry<NIOSSLContext>] = [:]
    }

    private let authority: CertificateAuthority
    private let authorityCertificate: NIOSSLCertificate
    private let key = P256.Signing.PrivateKey()
    private let ownKey: NIOSSLPrivateKeySource
    private let state = Mutex(State())

    /// So many hosts are remembered.
    private static let most = 1024
    /// For half of the time that a certificate is good.
    private static let renewalTime: TimeInterval = 14 * 86_400

    init(_ authority: CertificateAuthority) throws {
        self.authority = authority
        authorityCertificate = try NIOSSLCertificate(bytes: Array(authority.certificatePEM.utf8), format: .pem)
        ownKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem))
    }

    /// What a client is spoken to with that asked for `host`: its certificate, or that of the name that the client wants to
    /// see (RFC 6066 §3).
    func context(for host: String, now: Date = Date()) throws -> NIOSSLContext {
        if let known = state.withLock({ $0.contexts[host] }), known.renewal > now { return known.value }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try chain(for: host, now: now),
            privateKey: ownKey
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // As at other listeners: nobody has to wait for the other side's end.
        configuration.shutdownTimeout = .milliseconds(100)
        configuration.sslContextCallback = { [self] hello, promise in
            promise.completeWith(
                Result {
                    guard let name = hello.serverHostname?.lowercased(), name != host, Self.isName(name) else {
                        return .noChanges
                    }
                    var override = NIOSSLContextConfigurationOverride()
                    override.certificateChain = try chain(for: name, now: Date())
                    override.privateKey = ownKey
                    return override
                }
            )
        }
        let context = try NIOSSLContext(configuration: configuration)
        state.withLock { Self.keep(context, as: host, now, in: &$0.contexts) }
        return context
    }

    private func chain(for name: String, now: Date) throws -> [NIOSSLCertificateSource] {
        if let known = state.withLock({ $0.chains[name] }), known.renewal > now { return known.value }
        let pem = try authority.leaf(for: name, publicKey: key.publicKey, now: now)
        let leaf = try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem)
        let chain: [NIOSSLCertificateSource] = [.certificate(leaf), .certificate(authorityCertificate)]
        state.withLock { Self.keep(chain, as: name, now, in: &$0.chains) }
        return chain
    }

    private static func keep<Value: Sendable>(
        _ value: Value,
        as name: String,
        _ now: Date,
        in table: inout [String: Entry<Value>]
    ) {
        if table.count >= most, table[name] == nil, let oldest = table.min(by: { $0.value.renewal < $1.value.renewal })
        {
            table[oldest.key] = nil
        }
        table[name] = Entry(value: value, renewal: now.addingTimeInterval(renewalTime))
    }

    /// Whether a client's wish can stand in a certificate.
    private static func isName(_ text: String) -> Bool {
        text.utf8.count <= 253
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || "-._".utf8.contains($0)
            }
    }
}
