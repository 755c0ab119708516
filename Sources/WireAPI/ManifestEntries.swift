package import Content
import FoundationEssentials

/// The SHA-256 digests of some pieces, as sent: the pieces as a bitmap, their digests one behind the other, both in Base64.
package struct ManifestEntries: Sendable, Hashable {
    /// Piece to digest.
    package var digests: [PieceIndex: Digest]

    package init(_ digests: [PieceIndex: Digest] = [:]) { self.digests = digests }

    /// Whether there is nothing to tell.
    package var isEmpty: Bool { digests.isEmpty }
}

extension ManifestEntries: Codable {
    private enum CodingKeys: String, CodingKey { case pieces, digests }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let pieces = try container.decode(PieceSet.self, forKey: .pieces)
        let bytes = [UInt8](try container.decode(Data.self, forKey: .digests))
        let size = Digest.Algorithm.sha256.byteCount
        guard bytes.count == pieces.count * size else {
            throw DecodingError.dataCorruptedError(
                forKey: .digests,
                in: container,
                debugDescription: "\(pieces.count) pieces, but \(bytes.count) bytes of digests"
            )
        }
        digests = [:]
        digests.reserveCapacity(pieces.count)
        for (position, piece) in pieces.enumerated() {
            digests[piece] = Digest(
                algorithm: .sha256,
                bytes: Array(bytes[(position * size)..<((position + 1) * size)])
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var pieces = PieceSet()
        for piece in digests.keys { pieces.insert(piece) }
        var bytes = Data()
        for piece in pieces { if let digest = digests[piece] { bytes.append(contentsOf: digest.bytes) } }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(pieces, forKey: .pieces)
        try container.encode(bytes, forKey: .digests)
    }
}
