internal import Crypto

/// Computes a ``Digest`` over bytes that arrive in parts.
public struct DigestHasher: Sendable {
    private enum State: Sendable {
        case sha256(SHA256)
        case sha512(SHA512)
        case md5(Insecure.MD5)
    }

    /// The hash function in use.
    public let algorithm: Digest.Algorithm
    private var state: State

    /// Starts an empty hash.
    public init(_ algorithm: Digest.Algorithm = .sha256) {
        self.algorithm = algorithm
        state =
            switch algorithm {
            case .sha256: .sha256(SHA256())
            case .sha512: .sha512(SHA512())
            case .md5: .md5(Insecure.MD5())
            }
    }

    /// Adds the next bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .sha256(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha256(hash)
        case .sha512(var hash):
            hash.update(bufferPointer: bytes)
            state = .sha512(hash)
        case .md5(var hash):
            hash.update(bufferPointer: bytes)
            state = .md5(hash)
        }
    }

    /// Adds the next bytes.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of everything added so far; the hasher can go on afterwards.
    public func finalize() -> Digest {
        let bytes: [UInt8] =
            switch state {
            case .sha256(let hash): Array(hash.finalize())
            case .sha512(let hash): Array(hash.finalize())
            case .md5(let hash): Array(hash.finalize())
            }
        guard let digest = Digest(algorithm: algorithm, bytes: bytes) else {
            preconditionFailure("\(algorithm) gave \(bytes.count) bytes")
        }
        return digest
    }
}

extension Digest {
    /// The digest of `bytes`.
    public static func of(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) -> Digest {
        var hasher = DigestHasher(algorithm)
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// The digest of the UTF-8 form of `text`.
    public static func of(_ text: String, _ algorithm: Algorithm = .sha256) -> Digest {
        of(Array(text.utf8), algorithm)
    }
}
