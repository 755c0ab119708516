internal import Content

/// The name of complete content: its SHA-256, or, where nobody has hashed it as a whole, that of its piece digests.
struct ObjectName: Hashable, Sendable {
    let kind: String
    let hex: String

    /// Content whose SHA-256 is known.
    init?(content digest: Digest) {
        guard digest.algorithm == .sha256 else { return nil }
        kind = "sha256"
        hex = digest.hex
    }

    /// Content known by the digests of all its pieces: equal names mean equal bytes.
    init(layout: PieceLayout, pieces: [PieceIndex: Digest]) {
        var hasher = DigestHasher(.sha256)
        hasher.update(Array("\(layout.length ?? -1) \(layout.pieceSize)\n".utf8))
        for piece in pieces.keys.sorted() { hasher.update(pieces[piece]?.bytes ?? []) }
        kind = "pieces"
        hex = hasher.finalize().hex
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, parts[0] == "sha256" || parts[0] == "pieces",
            [UInt8](lowercaseHex: parts[1])?.count == 32
        else { return nil }
        kind = String(parts[0])
        hex = String(parts[1])
    }

    var text: String { "\(kind):\(hex)" }
    /// Below the store's directory.
    var directory: String { "objects/\(kind)/\(hex.prefix(2))" }
    /// Below the store's directory.
    var path: String { "\(directory)/\(hex)" }
}
