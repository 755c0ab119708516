/// The digest of some content: an algorithm and its output, written `algorithm:hex`
/// (OCI image-spec, "Digests").
public struct Digest: Hashable, Sendable {
    /// A hash function that content can be named or checked by.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// SHA-256; names objects and pieces.
        case sha256
        /// SHA-512; registries may name content by it.
        case sha512
        /// MD5; only ever checked because a user asked for it, never trusted to name content.
        case md5

        /// The length of a digest in bytes.
        public var byteCount: Int {
            switch self {
            case .sha256: 32
            case .sha512: 64
            case .md5: 16
            }
        }
    }

    /// The hash function.
    public let algorithm: Algorithm
    /// The raw digest, `algorithm.byteCount` bytes.
    public let bytes: [UInt8]

    /// Returns nil if `bytes` has the wrong length for `algorithm`.
    public init?(algorithm: Algorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Parses `sha256:<64 lower-case hex digits>` and the like.
    ///
    /// Returns nil for anything else: an unknown algorithm, a wrong length, upper-case digits (image-spec requires
    /// lower case).
    public init?(_ text: some StringProtocol) {
        guard let colon = text.firstIndex(of: ":"),
            let algorithm = Algorithm(rawValue: String(text[..<colon])),
            let bytes = [UInt8](lowercaseHex: text[text.index(after: colon)...])
        else { return nil }
        self.init(algorithm: algorithm, bytes: bytes)
    }

    /// The digest in lower-case hex, without the algorithm.
    public var hex: String { bytes.lowercaseHex }
}

extension Digest: CustomStringConvertible {
    /// `algorithm:hex`.
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: Codable {
    /// Decodes the `algorithm:hex` form.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("a digest (algorithm:hex)") { Digest($0) }
    }

    /// Encodes as `algorithm:hex`.
    public func encode(to encoder: any Encoder) throws {
        try encoder.encodeText(description)
    }
}
