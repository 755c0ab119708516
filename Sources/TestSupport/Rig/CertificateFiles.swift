/// A certificate authority of its own and a certificate that it has signed, for 127.0.0.1, ::1 and localhost.
package struct CertificateFiles: Sendable {
    /// The authority's certificate.
    package let authority: String
    /// The certificate, good for servers and clients.
    package let certificate: String
    /// Its private key.
    package let key: String

    /// Makes them in `directory`.
    package init(in directory: String) async throws {
        try await runSuccessfully(RigScripts.command("make-ca.sh", [directory]))
        authority = "\(directory)/ca.crt"
        certificate = "\(directory)/server.crt"
        key = "\(directory)/server.key"
    }
}
