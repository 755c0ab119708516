import Content
import Crypto
package import FoundationEssentials
import SwiftASN1
import X509

/// A server's certificate with its private key and the authority that signed it, all in PEM.
package struct ServerCertificate: Sendable, Hashable {
    /// The certificate.
    package let certificate: String
    /// Its private key.
    package let key: String
    /// The certificates of the authorities that clients are to trust; that of this certificate is the first.
    package let authorities: AuthorityBundle
    /// When the certificate ends.
    package let notAfter: Date
    /// From when it is good.
    package let notBefore: Date
    /// The names and addresses that it is good for.
    package let names: Set<String>

    /// Makes one of a new authority, whose key nobody keeps: the next certificate has another.
    ///
    /// `before`: authorities that were trusted until now, and are for as long as they last.
    package static func make(
        for hosts: [String],
        lifetime: Duration,
        before: AuthorityBundle = AuthorityBundle(),
        now: Date
    ) throws -> ServerCertificate {
        let days = max(1, Int(lifetime.components.seconds / 86_400))
        let made = try CertificateAuthority.generate(name: hosts.first ?? "server", days: days, now: now)
        let authority = try CertificateAuthority(certificatePEM: made.certificate, keyPEM: made.key)
        let key = P256.Signing.PrivateKey()
        let leaf = try authority.leaf(for: hosts, publicKey: key.publicKey, now: now)
        let bundle = AuthorityBundle(pem: made.certificate).followed(by: before.first(1).lasting(at: now))
        return try ServerCertificate(certificate: leaf, key: key.pemRepresentation, authorities: bundle)
    }

    /// Reads what was kept; throws what a person can make something of where it is not whole.
    package init(certificate: String, key: String, authorities: AuthorityBundle) throws(CertificateAuthority.Fault) {
        let leaf: Certificate
        let own: Certificate.PrivateKey
        do {
            leaf = try Certificate(pemEncoded: certificate)
            own = try Certificate.PrivateKey(pemEncoded: key)
        } catch {
            throw CertificateAuthority.Fault(description: "no certificate and private key in PEM: \(error)")
        }
        guard own.publicKey == leaf.publicKey else {
            throw CertificateAuthority.Fault(description: "the private key is not that of the certificate")
        }
        guard let issuer = authorities.certificates.first, issuer.publicKey.isValidSignature(leaf.signature, for: leaf)
        else {
            throw CertificateAuthority.Fault(description: "the certificate is not signed by the first authority")
        }
        self.certificate = certificate
        self.key = key
        self.authorities = authorities
        notAfter = min(leaf.notValidAfter, issuer.notValidAfter)
        notBefore = leaf.notValidBefore
        names = Set((try? leaf.extensions.subjectAlternativeNames)?.compactMap(Self.text) ?? [])
    }

    /// Whether no more than a third of its time is left.
    package func isOld(at now: Date) -> Bool {
        notAfter.timeIntervalSince(now) < notAfter.timeIntervalSince(notBefore) / 3
    }

    /// Whether it is good for all of these names and addresses.
    package func covers(_ hosts: [String]) -> Bool {
        names.isSuperset(of: hosts.map { IPAddress($0)?.description ?? $0 })
    }

    private static func text(_ name: GeneralName) -> String? {
        switch name {
        case .dnsName(let name): name
        case .ipAddress(let octets): IPAddress(bytes: Array(octets.bytes))?.description
        default: nil
        }
    }
}

/// Certificates of authorities, each of which may be trusted.
package struct AuthorityBundle: Sendable, Hashable {
    let certificates: [Certificate]

    /// None.
    package init() { certificates = [] }

    /// Reads PEM; what is no certificate in it is left out.
    package init(pem: String) {
        let documents = (try? PEMDocument.parseMultiple(pemString: pem)) ?? []
        certificates = documents.compactMap { try? Certificate(pemDocument: $0) }
    }

    init(_ certificates: [Certificate]) { self.certificates = certificates }

    /// How many there are.
    package var count: Int { certificates.count }

    /// All of them in PEM.
    package var pem: String {
        certificates.compactMap { try? $0.serializeAsPEM().pemString + "\n" }.joined()
    }

    /// Whether every one of another bundle is here, too.
    package func contains(_ other: AuthorityBundle) -> Bool { Set(certificates).isSuperset(of: other.certificates) }

    /// These, and behind them those of another that are not among them.
    package func followed(by other: AuthorityBundle) -> AuthorityBundle {
        AuthorityBundle(certificates + other.certificates.filter { !certificates.contains($0) })
    }

    /// The first of them.
    package func first(_ count: Int) -> AuthorityBundle { AuthorityBundle(Array(certificates.prefix(count))) }

    func lasting(at now: Date) -> AuthorityBundle { AuthorityBundle(certificates.filter { $0.notValidAfter > now }) }
}
