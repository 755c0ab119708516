internal import Glibc
internal import NodeConfig

/// Certificates of authorities in several files, as libcurl takes one: read again when one of them has changed.
struct AuthorityCache {
    /// A file that can not be read, and why.
    struct Fault: Error, CustomStringConvertible {
        private let file: String
        private let number: Int32

        init(_ file: String, _ number: Int32) { (self.file, self.number) = (file, number) }

        var description: String {
            "the certificate authorities in \(file) can not be read: \(String(cString: strerror(number)))"
        }
    }

    private struct Contents {
        let versions: [FileVersion?]
        let bytes: [UInt8]
    }

    private var known: [[String]: Contents] = [:]

    /// What is in the files, one behind the other.
    ///
    /// Never less than all of them, nor what was in one that can not be read any more.
    mutating func bytes(of files: [String]) throws(Fault) -> [UInt8] {
        let versions = files.map { FileVersion(path: $0) }
        if let contents = known[files], contents.versions == versions { return contents.bytes }
        known[files] = nil
        var bytes: [UInt8] = []
        for file in files {
            if let number = Self.append(file, to: &bytes) { throw Fault(file, number) }
            bytes.append(UInt8(ascii: "\n"))
        }
        known[files] = Contents(versions: versions, bytes: bytes)
        return bytes
    }

    /// Why a file can not be read; nil where it can, or that does not show from outside.
    static func fault(of file: String) -> Fault? { access(file, R_OK) == 0 ? nil : Fault(file, errno) }

    /// The number of the error, if there is one.
    private static func append(_ file: String, to bytes: inout [UInt8]) -> Int32? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return nil }
            if count > 0 {
                bytes += buffer[..<count]
            } else if errno != EINTR {
                return errno
            }
        }
    }
}
