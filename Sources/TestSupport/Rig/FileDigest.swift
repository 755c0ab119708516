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

/// Writes a file of `byteCount` bytes that no compression or piece of another file can stand in for, the same for the
/// same seed, and returns its digest.
@discardableResult
package func writeRandomFile(_ path: String, byteCount: Int, seed: UInt64) throws -> Digest {
    guard FileManager.default.createFile(atPath: path, contents: nil) else { throw RigError("cannot write \(path)") }
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    var hasher = DigestHasher()
    var state = seed
    var left = byteCount
    while left > 0 {
        var words = [UInt64](repeating: 0, count: (min(left, 1 << 20) + 7) / 8)
        for index in words.indices {
            // SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
            words[index] = word ^ (word >> 31)
        }
        let data = words.withUnsafeBytes { Data($0.prefix(left)) }
        data.withUnsafeBytes { hasher.update($0) }
        try file.write(contentsOf: data)
        left -= data.count
    }
    return hasher.finalize()
}
