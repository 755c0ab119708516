import Certification
import Crypto
import Foundation
import TestSupport
import Testing

/// What OpenSSL thinks of the certificates.
@Suite struct CertificateAuthorityTests {
    private static let key = P256.Signing.PrivateKey()

    private func verify(
        _ leaf: String,
        by authority: String,
        in directory: String,
        _ more: [String]
    ) async throws -> Bool {
        try leaf.write(toFile: "\(directory)/leaf.crt", atomically: true, encoding: .utf8)
        try authority.write(toFile: "\(directory)/ca.crt", atomically: true, encoding: .utf8)
        let arguments = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "\(directory)/ca.crt"]
        let result = try await run(.init("openssl", arguments + more + ["\(directory)/leaf.crt"]))
        return result.status.exitCode == 0
    }

    @Test(
        "A leaf is good for its host and no other",
        arguments: [
            (
                "registry.example.com", ["-verify_hostname", "registry.example.com"],
                ["-verify_hostname", "example.com"]
            ),
            ("10.0.0.7", ["-verify_ip", "10.0.0.7"], ["-verify_ip", "10.0.0.8"]),
            ("2001:db8::1", ["-verify_ip", "2001:db8::1"], ["-verify_ip", "::1"]),
            (
                String(repeating: "a.", count: 60) + "example",
                ["-verify_hostname", String(repeating: "a.", count: 60) + "example"], ["-verify_hostname", "a"]
            ),
        ]
    )
    func leaf(host: String, good: [String], bad: [String]) async throws {
        let made = try CertificateAuthority.generate(name: "test", days: 30, now: Date())
        let authority = try CertificateAuthority(certificatePEM: made.certificate, keyPEM: made.key)
        let leaf = try authority.leaf(for: host, publicKey: Self.key.publicKey, now: Date())
        try await withTemporaryDirectory { directory in
            #expect(try await verify(leaf, by: made.certificate, in: directory, good))
            #expect(try await !verify(leaf, by: made.certificate, in: directory, bad))
            let other = try CertificateAuthority.generate(name: "test", days: 30, now: Date())
            #expect(try await !verify(leaf, by: other.certificate, in: directory, good))
        }
        #expect(try leaf != authority.leaf(for: host, publicKey: Self.key.publicKey, now: Date()))
    }

    @Test func aLeafEndsWithItsAuthority() throws {
        let made = try CertificateAuthority.generate(name: "test", days: 3, now: Date())
        let authority = try CertificateAuthority(certificatePEM: made.certificate, keyPEM: made.key)
        let leaf = try authority.leaf(for: "a", publicKey: Self.key.publicKey, now: Date())
        #expect(leaf.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(authority.notAfter < Date(timeIntervalSinceNow: 3 * 86_400 + 1))
    }

    @Test func authoritiesOfOthersAreTaken() async throws {
        try await withTemporaryDirectory { directory in
            let files = try await CertificateFiles(in: directory)
            let certificate = try String(contentsOfFile: files.authority, encoding: .utf8)
            let key = try String(contentsOfFile: "\(directory)/ca.key", encoding: .utf8)
            let authority = try CertificateAuthority(certificatePEM: certificate, keyPEM: key)
            let leaf = try authority.leaf(for: "h", publicKey: Self.key.publicKey, now: Date())
            #expect(try await verify(leaf, by: certificate, in: "\(directory)", ["-verify_hostname", "h"]))

            let rsa = [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=rsa", "-addext",
                "keyUsage=keyCertSign",
            ]
            let paths = ["-keyout", "\(directory)/rsa.key", "-out", "\(directory)/rsa.crt"]
            try await runSuccessfully(.init("openssl", rsa + paths))
            let text = try String(contentsOfFile: "\(directory)/rsa.crt", encoding: .utf8)
            let other = try String(contentsOfFile: "\(directory)/rsa.key", encoding: .utf8)
            let old = try CertificateAuthority(certificatePEM: text, keyPEM: other)
            let second = try old.leaf(for: "h", publicKey: Self.key.publicKey, now: Date())
            #expect(try await verify(second, by: text, in: "\(directory)", ["-verify_hostname", "h"]))
        }
    }

    @Test func whatIsNoAuthorityIsRefusedWithTheReason() async throws {
        try await withTemporaryDirectory { directory in
            let files = try await CertificateFiles(in: directory)
            func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
            let (certificate, key) = (try text(files.authority), try text("\(directory)/ca.key"))
            let (server, serverKey) = (try text(files.certificate), try text(files.key))
            for (certificate, key, word) in [
                (certificate, serverKey, "not that of the certificate"), (server, serverKey, "CA:TRUE"),
                (key, certificate, "PEM"), ("", key, "PEM"), (certificate, "x", "PEM"),
            ] {
                let fault = #expect(throws: CertificateAuthority.Fault.self) {
                    try CertificateAuthority(certificatePEM: certificate, keyPEM: key)
                }
                #expect(fault?.description.contains(word) == true, "\(String(describing: fault))")
            }
        }
    }
}
