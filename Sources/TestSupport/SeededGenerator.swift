internal import Crypto
import SwarmScheduling

/// Random numbers that are the same for the same seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var numbers: SplitMix64

    /// The sequence of a seed.
    package init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

    /// The next number.
    package mutating func next() -> UInt64 { numbers.next() }
}

/// Bytes that do not compress and are the same for the same seed: a cipher's key stream.
package func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    // A loop of our own takes a second for a few MiB when it is not optimized.
    let key = withUnsafeBytes(of: (seed.littleEndian, UInt64(0), UInt64(0), UInt64(0))) { SymmetricKey(data: $0) }
    let nonce = try? ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12))
    guard let box = try? ChaChaPoly.seal([UInt8](repeating: 0, count: count), using: key, nonce: nonce) else {
        preconditionFailure("a message is sealed with any key")
    }
    return [UInt8](box.ciphertext)
}
