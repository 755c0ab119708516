internal import Content

internal import enum Crypto.AES
internal import struct Crypto.SymmetricKey

/// The codes of one store: AES-GMAC (NIST SP 800-38D) with a key that only the store has.
///
/// Without the key nobody can make two pieces with the same code, so a code tells pieces of the same store apart as a
/// digest does. The nonce is always the same, which would give the key away to whoever sees codes: nobody does.
struct PieceCodes: Sendable {
    static let byteCount = 16
    /// Codes are made of blocks of this size, the last one of which may be shorter.
    private static let block = 64 << 10

    let key: [UInt8]

    /// With `key` where it is given and long enough, or with a new one.
    init(key: [UInt8]?) {
        if let key, key.count == Self.byteCount {
            self.key = key
        } else {
            self.key = SymmetricKey(size: .bits128).withUnsafeBytes { Array($0) }
        }
    }

    /// The codes of the blocks in `bytes`, one behind the other.
    fileprivate func blocks(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        stride(from: 0, to: bytes.count, by: Self.block).flatMap {
            code(of: UnsafeRawBufferPointer(rebasing: bytes[$0..<min($0 + Self.block, bytes.count)]))
        }
    }

    fileprivate func code(of bytes: UnsafeRawBufferPointer) -> [UInt8] {
        do {
            let nonce = try AES.GCM.Nonce(data: [UInt8](repeating: 0, count: 12))
            return Array(
                try AES.GCM.seal([UInt8](), using: SymmetricKey(data: key), nonce: nonce, authenticating: bytes).tag
            )
        } catch {
            preconditionFailure("AES-GMAC failed: \(error)")
        }
    }

    /// Whether bytes of a file are those that `check` was made of; false where it is a code and there are none here.
    static func agree(
        _ codes: PieceCodes?,
        _ check: PieceCheck,
        _ range: ByteRange,
        in descriptor: Int32,
        through buffer: UnsafeMutableRawBufferPointer
    ) throws(StoreError) -> Bool {
        var hasher = PieceHasher(check.digest == nil ? codes : nil)
        try FileAccess.scan(range, of: descriptor, through: buffer) { hasher.update($0) }
        return hasher.finalize() == check
    }
}

/// Makes the check of one piece from parts, each of which but the last is a full buffer of a ``WorkerThreads``.
struct PieceHasher {
    private enum State {
        case digest(DigestHasher)
        case codes(PieceCodes, ofBlocks: [UInt8])
    }

    private var state: State

    /// Nil for a digest.
    init(_ codes: PieceCodes?) {
        state = codes.map { .codes($0, ofBlocks: []) } ?? .digest(DigestHasher(.sha256))
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .digest(var hasher):
            hasher.update(bytes)
            state = .digest(hasher)
        case .codes(let codes, let blocks):
            state = .codes(codes, ofBlocks: blocks + codes.blocks(of: bytes))
        }
    }

    func finalize() -> PieceCheck {
        switch state {
        case .digest(let hasher): .digest(hasher.finalize())
        case .codes(let codes, let blocks): .code(blocks.withUnsafeBytes { codes.code(of: $0) })
        }
    }
}
