package import Content
internal import Foundation

/// Writes a file whose bytes do not compress and are the same for the same seed, a MiB at a time, and returns its
/// SHA-256.
@discardableResult
package func writeRandomFile(_ path: String, byteCount: Int, seed: UInt64) throws -> Digest {
    guard FileManager.default.createFile(atPath: path, contents: nil) else { throw RigError("cannot write \(path)") }
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    let block = 1 << 20
    var seeds = SeededGenerator(seed: seed)
    var hasher = DigestHasher()
    for start in stride(from: 0, to: byteCount, by: block) {
        let bytes = randomBytes(min(block, byteCount - start), seed: seeds.next())
        hasher.update(bytes)
        try file.write(contentsOf: bytes)
    }
    return hasher.finalize()
}
