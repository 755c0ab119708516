internal import FoundationEssentials
internal import Glibc

/// A PEM file with certificates of authorities (RFC 7468).
public enum CertificateFile {
    private static let labels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"]

    /// Why no certificates can be had from the file, for a person; nil where they can.
    ///
    /// Signatures, dates and names are not looked at.
    public static func fault(_ path: String) -> String? {
        guard access(path, R_OK) == 0 else { return "can not be read: \(path)" }
        // What can be read only once is left to whoever uses it.
        if isPipe(path) { return nil }
        guard let bytes = FileManager.default.contents(atPath: path), holdsCertificates(bytes) else {
            return "is no PEM file with certificates: \(path)"
        }
        return nil
    }

    private static func isPipe(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    /// Whether there are certificates, and all of them are whole.
    static func holdsCertificates(_ bytes: some Sequence<UInt8>) -> Bool {
        var count = 0
        var (label, base64) = (nil as String?, "")
        for line in String(decoding: Array(bytes), as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let last = line.lastIndex(where: { !$0.isWhitespace }) else { continue }
            let line = line[...last]
            if let open = label {
                if line == "-----END \(open)-----" {
                    guard isCertificate(base64) else { return false }
                    (label, base64) = (nil, "")
                    count += 1
                } else {
                    base64 += line
                }
            } else {
                label = labels.first { line == "-----BEGIN \($0)-----" }
            }
        }
        return count > 0 && label == nil
    }

    /// Whether it holds a whole sequence in DER (X.690 §8.9), which each certificate is; others may follow it.
    private static func isCertificate(_ base64: String) -> Bool {
        guard let data = Data(base64Encoded: base64), data.count > 2, data[0] == 0x30 else { return false }
        guard data[1] >= 0x80 else { return data.count >= 2 + Int(data[1]) }
        let size = Int(data[1] & 0x7F)
        guard (1...4).contains(size), data.count > 2 + size else { return false }
        let length = data[2..<(2 + size)].reduce(0) { $0 << 8 | Int($1) }
        return data.count >= 2 + size + length
    }
}

extension ConfigFields {
    /// Refuses the name of a file that no certificates can be had from; nil names none.
    ///
    /// Does nothing while printing.
    public func checkCertificates(_ key: String, _ path: String?) throws(ConfigError) {
        guard let path, let fault = CertificateFile.fault(path) else { return }
        try check(key, false, fault)
    }
}
