package import Content
internal import Crypto
import FoundationEssentials

/// The secret that a supernode shares with one registered peer.
package struct PeerKey: Sendable, Hashable {
    fileprivate let bytes: [UInt8]

    /// The key's size in bytes.
    package static let byteCount = 32

    /// A new random key.
    package init() {
        bytes = SymmetricKey(size: .bits256).withUnsafeBytes { [UInt8]($0) }
    }

    /// Parses lower-case hex; nil for anything but 32 bytes.
    package init?(hex: some StringProtocol) {
        guard let bytes = [UInt8](lowercaseHex: hex), bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// The key in hex: only for the registration's answer and the peer's calls.
    package func reveal() -> String { bytes.lowercaseHex }

    /// Whether `presented` is this key, in constant time.
    package func matches(_ presented: some StringProtocol) -> Bool {
        let other = Array(presented.utf8)
        let own = Array(reveal().utf8)
        guard other.count == own.count else { return false }
        return zip(own, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    fileprivate var symmetric: SymmetricKey { SymmetricKey(data: bytes) }
}

extension PeerKey: CustomStringConvertible {
    /// Never the key.
    package var description: String { "(key)" }
}

/// The permission of one peer to fetch the pieces of one generation of one task from one parent for some time:
/// `HMAC-SHA256(key of the parent; task, generation, parent, peer, expiry)`.
///
/// Written `1.<parent>.<peer>.<expiry>.<mac>`.
package struct Ticket: Sendable, Hashable {
    /// The parent whose key made it.
    package let parent: PeerID
    /// The peer that may fetch.
    package let peer: PeerID
    /// Seconds since 1970.
    package let expiry: Int64
    private let code: [UInt8]

    /// Issues a ticket.
    package init(task: TaskID, generation: Generation, parent: PeerID, peer: PeerID, expiry: Int64, key: PeerKey) {
        self.parent = parent
        self.peer = peer
        self.expiry = expiry
        let message = Self.message(task: task, generation: generation, parent: parent, peer: peer, expiry: expiry)
        code = Array(HMAC<SHA256>.authenticationCode(for: message, using: key.symmetric))
    }

    /// Parses a presented ticket; nil if it is none.
    ///
    /// Says nothing about its being genuine: see ``isValid``.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "1", let parent = PeerID(parts[1]), let peer = PeerID(parts[2]),
            parts[3].utf8.count < 19, parts[3].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let expiry = Int64(parts[3]), let code = [UInt8](lowercaseHex: parts[4]), code.count == 32
        else { return nil }
        self.parent = parent
        self.peer = peer
        self.expiry = expiry
        self.code = code
    }

    /// Whether `key` made this ticket for this generation of this task, and it has not expired at `now` (seconds since 1970).
    package func isValid(task: TaskID, generation: Generation, key: PeerKey, now: Int64) -> Bool {
        guard now < expiry else { return false }
        let message = Self.message(task: task, generation: generation, parent: parent, peer: peer, expiry: expiry)
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: message, using: key.symmetric)
    }

    /// Every field but the last has a fixed size, so no two different lists give the same bytes.
    private static func message(
        task: TaskID,
        generation: Generation,
        parent: PeerID,
        peer: PeerID,
        expiry: Int64
    ) -> [UInt8] {
        Array("darter ticket 1".utf8) + task.bytes + generation.bytes + parent.bytes + peer.bytes
            + Array("\(expiry)".utf8)
    }
}

extension Ticket: CustomStringConvertible {
    /// The form that is sent.
    package var description: String { "1.\(parent).\(peer).\(expiry).\(code.lowercaseHex)" }
}
