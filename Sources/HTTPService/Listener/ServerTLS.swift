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
