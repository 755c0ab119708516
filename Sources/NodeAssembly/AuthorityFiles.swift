import Certification
import Foundation
import Glibc

/// A new authority for `hijack_https`, in two files.
package struct AuthorityFiles: Sendable {
    /// The certificate, for everybody.
    package let certificate: String
    /// The private key, for dfdaemon alone.
    package let key: String

    /// Why there are no files, for a person.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Makes an authority and writes `ca.crt` and `ca.key` into a directory, which is made if it is not there.
    ///
    /// Throws if one of them is there already, unless they may be replaced.
    package static func make(in directory: String, days: Int, replacing: Bool) throws -> AuthorityFiles {
        let path = URL(filePath: directory).standardizedFileURL.path
        let files = AuthorityFiles(certificate: "\(path)/ca.crt", key: "\(path)/ca.key")
        for file in [files.certificate, files.key] where !replacing && access(file, F_OK) == 0 {
            throw Failure(
                description: """
                    \(file) is there already: clients may trust that authority. Give --force to replace it, or another \
                    place with --out
                    """
            )
        }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let (certificate, key) = try CertificateAuthority.generate(
            name: "dfdaemon on \(ProcessInfo.processInfo.hostName)",
            days: days,
            now: Date()
        )
        // The key first: a certificate without one would be trusted for nothing.
        try write(key, to: files.key, mode: 0o600)
        try write(certificate, to: files.certificate, mode: 0o644)
        return files
    }

    /// Puts the whole file in its place at once, nobody but its owner having read it before its mode says so.
    private static func write(_ text: String, to path: String, mode: mode_t) throws {
        let new = "\(path).new"
        unlink(new)
        let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fchmod(descriptor, mode) == 0,
            fsync(descriptor) == 0, rename(new, path) == 0
        else {
            let error = failure(path)
            unlink(new)
            throw error
        }
    }

    private static func failure(_ path: String) -> Failure {
        Failure(description: "\(path) can not be written: \(String(cString: strerror(errno)))")
    }

    /// What a person does next.
    package var advice: String {
        """
        \(certificate) and \(key) (which nobody else may read) are written.

        1. dfdaemon.yml says for which hosts the authority signs; restart dfdaemon then:

           hijack_https:
             cert: \(certificate)
             key: \(key)
             hosts:
               - regx: ^registry\\.example\\.com$

        2. The clients of the proxy have to trust \(certificate):

           Debian, Ubuntu:  cp \(certificate) /usr/local/share/ca-certificates/darter.crt && update-ca-certificates
           Fedora, RHEL:    cp \(certificate) /etc/pki/ca-trust/source/anchors/darter.crt && update-ca-trust
           containerd:      in /etc/containerd/certs.d/HOST/hosts.toml:
                            server = "https://HOST"
                            ca = "\(certificate)"
           docker:          mkdir -p /etc/docker/certs.d/HOST && cp \(certificate) /etc/docker/certs.d/HOST/ca.crt
           curl, by hand:   curl --proxy http://127.0.0.1:65001 --cacert \(certificate) https://HOST/

           containerd and docker have to be restarted where they take the authority from the system.

        """
    }
}
