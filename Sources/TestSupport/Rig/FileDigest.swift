package import Content
internal import Foundation

/// The digest of a file's content.
package func fileDigest(_ path: String, _ algorithm: Digest.Algorithm = .sha256) throws -> Digest {
    let file = try FileHandle(forReadingFrom: URL(filePath: path))
    defer { try? file.close() }
    var hasher = DigestHasher(algorithm)
    while let data = try file.read(upToCount: 1 << 20), !data.isEmpty {
        data.withUnsafeBytes { hasher.update($0) }
    }
    return hasher.finalize()
}
