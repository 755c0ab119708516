import Content
package import Crypto
package import FoundationEssentials
import SwiftASN1
import X509

/// An authority that certificates of servers are signed by.
package struct CertificateAuthority: Sendable {
    private let certificate: Certificate
    private let key: Certificate.PrivateKey

    /// Why an authority can not be used, for a person.
    package struct Fault: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// Reads an authority from PEM.
    package init(certificatePEM: String, keyPEM: String) throws(Fault) {
        do {
            certificate = try Certificate(pemEncoded: certificatePEM)
            key = try Certificate.PrivateKey(pemEncoded: keyPEM)
        } catch {
            throw Fault(description: "no certificate and private key in PEM: \(error)")
        }
        guard key.publicKey == certificate.publicKey else {
            throw Fault(description: "the private key is not that of the certificate")
        }
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw Fault(
                description: "the certificate is no authority's (CA:TRUE is missing); make one with: dfdaemon gen-ca"
            )
        }
    }

    /// The certificate.
    package var certificatePEM: String { get throws { try certificate.serializeAsPEM().pemString } }

    /// When it ends.
    package var notAfter: Date { certificate.notValidAfter }

    // MARK: Signing

    /// A certificate of a server in PEM, good from a day before `now` for four weeks.
    ///
    /// `host` is a name or an address.
    package func leaf(for host: String, publicKey: P256.Signing.PublicKey, now: Date) throws -> String {
        try leaf(for: host, [host], publicKey: publicKey, from: now, to: now.addingTimeInterval(Self.leafTime))
    }

    /// A certificate of a server in PEM that goes by several names and addresses, as good as the authority for as long.
    package func leaf(for hosts: [String], publicKey: P256.Signing.PublicKey, now: Date) throws -> String {
        try leaf(for: hosts.first ?? "server", hosts, publicKey: publicKey, from: now, to: notAfter)
    }

    private func leaf(
        for name: String,
        _ hosts: [String],
        publicKey: P256.Signing.PublicKey,
        from now: Date,
        to end: Date
    ) throws -> String {
        try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(publicKey),
            notValidBefore: now.addingTimeInterval(-Self.day),
            notValidAfter: min(end, certificate.notValidAfter),
            issuer: certificate.subject,
            subject: DistinguishedName {
                // RFC 5280 appendix A: a common name has at most 64 characters; clients look at the alternative names only.
                CommonName(String(name.prefix(64)))
            },
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(hosts.map(Self.name))
                AuthorityKeyIdentifier(keyIdentifier: try subjectKeyIdentifier)
            },
            issuerPrivateKey: key
        ).serializeAsPEM().pemString
    }

    private var subjectKeyIdentifier: ArraySlice<UInt8> {
        get throws {
            try certificate.extensions.subjectKeyIdentifier?.keyIdentifier
                ?? SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier
        }
    }

    private static func name(_ host: String) -> GeneralName {
        guard let address = IPAddress(host.prefix { $0 != "%" }) else { return .dnsName(host) }
        return .ipAddress(ASN1OctetString(contentBytes: address.bytes[...]))
    }

    private static let day: TimeInterval = 86_400
    private static let leafTime: TimeInterval = 28 * day

    // MARK: Making

    /// A new authority: its certificate and its private key in PEM.
    ///
    /// `name`: what people see in their lists of authorities.
    package static func generate(name: String, days: Int, now: Date) throws -> (certificate: String, key: String) {
        let own = P256.Signing.PrivateKey()
        let key = Certificate.PrivateKey(own)
        let subject = try DistinguishedName {
            OrganizationName("Darter")
            CommonName(String(name.prefix(64)))
        }
        let certificate = try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: key.publicKey,
            notValidBefore: now.addingTimeInterval(-day),
            notValidAfter: now.addingTimeInterval(Double(days) * day),
            issuer: subject,
            subject: subject,
            extensions: Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: key.publicKey)
            },
            issuerPrivateKey: key
        )
        return (try certificate.serializeAsPEM().pemString, own.pemRepresentation)
    }
}
