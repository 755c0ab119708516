package import Content

/// What the bytes of a committed piece are compared with later.
package enum PieceCheck: Hashable, Sendable {
    /// Their SHA-256, which others may be told.
    case digest(Digest)
    /// The store's own code for them, which costs a fraction of a digest and is never told to anybody.
    case code([UInt8])

    /// Nil where it is a code.
    package var digest: Digest? {
        if case .digest(let digest) = self { digest } else { nil }
    }

    var bytes: [UInt8] {
        switch self {
        case .digest(let digest): digest.bytes
        case .code(let bytes): bytes
        }
    }

    /// Nil where no check has so many bytes.
    init?(bytes: [UInt8]) {
        if let digest = Digest(algorithm: .sha256, bytes: bytes) {
            self = .digest(digest)
        } else if bytes.count == PieceCodes.byteCount {
            self = .code(bytes)
        } else {
            return nil
        }
    }
}
