import NIOCore
import NIOSSL
import NodeConfig
import Synchronization

/// What a listener shows to the clients of new connections: the certificate as it stands now.
package final class ServerTLS: Sendable {
    private struct State {
        var context: NIOSSLContext?
        /// Those of the files that were read last, whatever came of it.
        var versions: [FileVersion?] = []
        var fault: String?
    }

    private let files: ListenerConfiguration.TLS?
    /// Held while the files are read, which are small and read once for each change.
    private let state = Mutex(State())

    /// The certificate in files, which are read again whenever one of them has changed.
    init(_ files: ListenerConfiguration.TLS) { self.files = files }

    /// A certificate that is given later, and anew at any time; until then connections are closed at once.
    package init() { files = nil }

    /// Shows another certificate from the next connection on; chain and private key in PEM.
    package func replace(certificatePEM: String, keyPEM: String) throws {
        let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem)
        let context = try Self.context(chain, key, clientAuthorities: nil)
        state.withLock { $0.context = context }
    }

    /// What a new connection is secured with; nil if there is no certificate yet.
    ///
    /// Files that are half replaced, or can not be used any more, leave what was read before them: `report` is told once, why.
    func current(report: (String) -> Void) -> NIOSSLContext? {
        let (context, fault) = state.withLock { state in
            var news: String?
            if let files, state.versions != Self.versions(files) {
                let before = state.fault
                read(files, &state)
                if state.fault != before { news = state.fault }
            }
            return (state.context, news)
        }
        if let fault { report(fault) }
        return context
    }

    /// Reads the files for the first time.
    func load(name: String) throws(ListenError) {
        guard let files else { return }
        let fault = state.withLock { state in
            read(files, &state)
            return state.fault
        }
        if let fault { throw ListenError(.badCertificate, "\(name): \(fault)") }
    }

    private func read(_ files: ListenerConfiguration.TLS, _ state: inout State) {
        // Looked at first: what changes while it is read is read again.
        state.versions = Self.versions(files)
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
            let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
            let authorities = try files.clientCA.map { try NIOSSLCertificate.fromPEMFile($0) }
            state.context = try Self.context(chain, key, clientAuthorities: authorities)
            state.fault = nil
        } catch {
            state.fault = "cannot use certificate \(files.certificate) with key \(files.key): \(error)"
        }
    }

    private static func versions(_ files: ListenerConfiguration.TLS) -> [FileVersion?] {
        [files.certificate, files.key, files.clientCA].map { $0.flatMap { FileVersion(path: $0) } }
    }

    private static func context(
        _ certificates: [NIOSSLCertificate],
        _ privateKey: NIOSSLPrivateKey,
        clientAuthorities: [NIOSSLCertificate]?
    ) throws -> NIOSSLContext {
        let chain = certificates.map { NIOSSLCertificateSource.certificate($0) }
        let key = NIOSSLPrivateKeySource.privateKey(privateKey)
        var configuration: TLSConfiguration
        if let clientAuthorities {
            configuration = .makeServerConfigurationWithMTLS(
                certificateChain: chain,
                privateKey: key,
                trustRoots: .certificates(clientAuthorities)
            )
        } else {
            configuration = .makeServerConfiguration(certificateChain: chain, privateKey: key)
        }
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // A client that keeps an idle connection does not look at it, and would hold up a shutdown for the 5 s that are
        // the default. RFC 8446 §6.1: nobody has to wait for the other side's close_notify.
        configuration.shutdownTimeout = .milliseconds(100)
        return try NIOSSLContext(configuration: configuration)
    }
}
