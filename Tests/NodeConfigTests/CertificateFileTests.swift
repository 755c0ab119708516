import Foundation
import NodeConfig
import TestSupport
import Testing

@Suite struct CertificateFileTests {
    /// What certificates look like from outside: a sequence in DER.
    private static let block = "-----BEGIN CERTIFICATE-----\nMAMC\nAQE=\n-----END CERTIFICATE-----\n"

    private func fault(_ text: String) async throws -> String? {
        try await withTemporaryDirectory { directory in
            let path = "\(directory)/ca.pem"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            return CertificateFile.fault(path)?.replacing(path, with: "FILE")
        }
    }

    @Test(arguments: [
        block, block + block, "Subject: a name\n" + block, block.replacing("\n", with: "\r\n"),
        block.replacing("CERTIFICATE", with: "TRUSTED CERTIFICATE"),
    ])
    func takesCertificates(text: String) async throws { #expect(try await fault(text) == nil) }

    @Test(arguments: [
        "", "not a certificate\n", block.replacing("CERTIFICATE", with: "PRIVATE KEY"), String(block.dropLast(20)),
        block + block.replacing("MAMC", with: "M?MC"), block.replacing("MAMC", with: "MIID"),
        block.replacing("MAMC", with: "AAMC"), block.replacing("MAMC\nAQE=\n", with: ""), "\u{30}\u{3}\u{2}\u{1}\u{1}",
    ])
    func refusesEverythingElse(text: String) async throws {
        #expect(try await fault(text) == "is no PEM file with certificates: FILE")
    }

    @Test func refusesWhatIsNotAFile() {
        #expect(CertificateFile.fault("/nonexistent") == "can not be read: /nonexistent")
        #expect(CertificateFile.fault("/tmp") == "is no PEM file with certificates: /tmp")
    }
}
