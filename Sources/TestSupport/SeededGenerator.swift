import SwarmScheduling

/// Random numbers that are the same for the same seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var numbers: SplitMix64

    /// The sequence of a seed.
    package init(seed: UInt64) { numbers = SplitMix64(seed: seed) }

    /// The next number.
    package mutating func next() -> UInt64 { numbers.next() }
}

/// Bytes that do not compress and are the same for the same seed.
package func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        for start in stride(from: 0, to: count, by: 8) {
            withUnsafeBytes(of: generator.next().littleEndian) { word in
                for index in 0..<min(8, count - start) { buffer[start + index] = word[index] }
            }
        }
        initialized = count
    }
}
