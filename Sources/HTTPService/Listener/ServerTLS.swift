import NIOCore
import NIOSSL

/// Reads the certificate files of a listener into a context for its connections.
enum ServerTLS {
    static func context(_ files: ListenerConfiguration.TLS, name: String) throws(ListenError) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(files.certificate).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = NIOSSLPrivateKeySource.privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
            var configuration: TLSConfiguration
            if let authority = files.clientCA {
                configuration = .makeServerConfigurationWithMTLS(
                    certificateChain: chain,
                    privateKey: key,
                    trustRoots: .certificates(try NIOSSLCertificate.fromPEMFile(authority))
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
        } catch {
            throw ListenError(
                .badCertificate,
                "\(name): cannot use certificate \(files.certificate) with key \(files.key): \(error)",
                cause: error
            )
        }
    }
}
