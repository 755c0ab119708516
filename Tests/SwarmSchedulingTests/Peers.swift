import Content
import TestSupport

extension SeededGenerator {
    /// The sequence of a small seed.
    init(_ seed: Int) { self.init(seed: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15) }
}

/// Distinct identities from one generator.
func makePeers(_ count: Int, using generator: inout SeededGenerator) -> [PeerID] {
    (0..<count).map { _ in PeerID(using: &generator) }
}
