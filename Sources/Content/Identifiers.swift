/// Names one task in the swarm; see ``TaskID/init(content:)`` and ``TaskID/init(url:tag:headers:)`` for what it is made of.
public struct TaskID: Hashable, Sendable {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// Returns nil unless there are `byteCount` bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

/// Names one version of a task's content.
///
/// Pieces of two generations never mix.
public struct Generation: Hashable, Sendable {
    /// 16 bytes.
    public let bytes: [UInt8]

    /// Returns nil unless there are `byteCount` bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }
}

/// Names one registration of a peer at one supernode.
public struct PeerID: Hashable, Sendable {
    // A supernode has very many of them: as numbers they need no memory of their own.
    private let high: UInt64
    private let low: UInt64

    /// 16 bytes.
    public var bytes: [UInt8] {
        (0..<Self.byteCount).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> UInt64(56 - 8 * ($0 & 7))) }
    }

    /// Returns nil unless there are `byteCount` bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        high = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// A new random identity.
    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next()
        low = generator.next()
    }

    /// A new random identity from the system's generator.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }
}

extension TaskID {
    /// The task of content whose digest is known beforehand: the same layer of any repository, or the same file at any
    /// URL, is one task.
    public init(content digest: Digest) {
        var fields = FieldHasher("content")
        fields.add(digest.description)
        bytes = fields.finalize()
    }

    /// The task of content known by its URL.
    ///
    /// `url` comes without ignored query parameters, fragment and credentials
    /// (``ResourceURL/identity(ignoringQuery:)``); `headers` are those that select the content and nothing else.
    /// Neither credentials nor byte ranges are part of it. `asSharedCache`: what a proxy got under RFC 9111's rules is
    /// another task than what somebody downloaded, redirects and all.
    public init(url: String, tag: String? = nil, headers: HeaderFields = [:], asSharedCache: Bool = false) {
        var fields = FieldHasher(asSharedCache ? "shared-cache" : "url")
        fields.add(url)
        fields.add(optional: tag)
        let selecting = headers.map { ($0.name.lowercased(), $0.value) }.sorted { $0 < $1 }
        fields.add(Int64(selecting.count))
        for (name, value) in selecting {
            fields.add(name)
            fields.add(value)
        }
        bytes = fields.finalize()
    }
}

extension Generation {
    /// The generation of content with a strong validator (RFC 9110 §8.8.1), the same on every supernode.
    public init(length: Int64?, validator: String) {
        self.init(length: length, kind: "validator", validator)
    }

    /// The generation of content without a strong validator: never equal to another one.
    public init(length: Int64?, nonce: [UInt8]) {
        self.init(length: length, kind: "nonce", nonce.lowercaseHex)
    }

    /// The generation of content whose digest is known: it can never change.
    public init(content digest: Digest) {
        self.init(length: nil, kind: "digest", digest.description)
    }

    private init(length: Int64?, kind: String, _ value: String) {
        var fields = FieldHasher("generation")
        fields.add(length ?? -1)
        fields.add(kind)
        fields.add(value)
        bytes = Array(fields.finalize().prefix(Self.byteCount))
    }
}

/// A fixed-size identity, written in lower-case hex.
public protocol HexIdentifier: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The identity's size in bytes.
    static var byteCount: Int { get }
    /// The identity, `byteCount` bytes.
    var bytes: [UInt8] { get }
    /// Returns nil unless there are `byteCount` bytes.
    init?(bytes: [UInt8])
}

extension HexIdentifier {
    /// Parses lower-case hex.
    ///
    /// Returns nil for any other text or length.
    public init?(_ text: some StringProtocol) {
        guard let bytes = [UInt8](lowercaseHex: text) else { return nil }
        self.init(bytes: bytes)
    }

    /// Lower-case hex.
    public var description: String { bytes.lowercaseHex }

    /// Decodes lower-case hex.
    public init(from decoder: any Decoder) throws {
        self = try decoder.decodeText("\(Self.byteCount) bytes in hex") { Self($0) }
    }

    /// Encodes as lower-case hex.
    public func encode(to encoder: any Encoder) throws {
        try encoder.encodeText(description)
    }
}

extension TaskID: HexIdentifier {
    /// 32: a SHA-256.
    public static let byteCount = 32
}

extension Generation: HexIdentifier {
    /// 16: half a SHA-256.
    public static let byteCount = 16
}

extension PeerID: HexIdentifier {
    /// 16 random bytes.
    public static let byteCount = 16
}
