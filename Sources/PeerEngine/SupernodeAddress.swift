package import Content
package import CurlTransport
import Glibc
import NodeConfig

/// A supernode and its share of the tasks, written `host:8002`, `host:8002=2` or `https://host:8002=2`.
package struct SupernodeAddress: Sendable, Hashable {
    /// `http://host:port` or `https://host:port`.
    package let url: String
    /// The host alone.
    package let host: String
    /// Its share of the tasks relative to the others', more than 0.
    package let weight: Int

    /// The API's port where none is given.
    package static let defaultPort = 8002

    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let place = parts.first else { return nil }
        let full = place.contains("://") ? String(place) : "http://\(place)"
        guard !full.contains("#"), let url = ResourceURL(full), ["http", "https"].contains(url.scheme), url.path == "/",
            url.query == nil,
            url.userInfo == nil
        else { return nil }
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let weight = Int(parts[1]),
                (1...1000).contains(weight)
            else { return nil }
            self.weight = weight
        } else {
            weight = 1
        }
        host = url.host.contains(":") ? "[\(url.host)]" : url.host
        let given = url.port ?? (Self.namesPort(place) ? (url.scheme == "http" ? 80 : 443) : Self.defaultPort)
        self.url = "\(url.scheme)://\(host):\(given)"
    }

    private static func namesPort(_ place: some StringProtocol) -> Bool {
        guard let colon = place.lastIndex(of: ":") else { return false }
        let rest = place[place.index(after: colon)...].prefix { $0 != "/" }
        return !rest.isEmpty && rest.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Whether calls to it stay on this machine or are encrypted, so that credentials may travel.
    package var isConfidential: Bool {
        url.hasPrefix("https:") || host == "localhost" || host == "[::1]" || Self.isLoopback(host)
    }

    /// Whether what comes from its piece server is as safe on its way as what it says itself.
    ///
    /// Pieces may come in the clear where calls are encrypted: their digests come with the calls. What has none must not.
    func protectsPieces(speakingTLS piecesTLS: Bool) -> Bool { piecesTLS || !url.hasPrefix("https:") }

    /// Whether it is an address in 127.0.0.0/8: a name may begin in the same way.
    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension SupernodeAddress {
    /// Why a call to it failed, for a person; `authority`: what names the authority behind its certificate.
    package func explanation(of error: TransferError, authority: String = "supernode_ca_file") -> String {
        let text = error.message.hasPrefix(url) ? error.message : "\(url): \(error.message)"
        return error.code == .tls ? "\(text); see \(authority)" : text
    }
}

extension SupernodeAddress: ConfigValue {
    package init?(configText: String) { self.init(configText) }
    package var configText: String { weight == 1 ? url : "\(url)=\(weight)" }
    package static var expectation: String { "a supernode: host:port, optionally =weight" }
}

extension SupernodeAddress: CustomStringConvertible {
    package var description: String { url }
}

extension [SupernodeAddress] {
    /// The supernodes in the order in which a task tries them: the same on every node, each one first for a share of the
    /// tasks that goes with its weight (rendezvous hashing with weights: Schindelhauer and Schomaker, 2005).
    package func ordered(for task: TaskID) -> [SupernodeAddress] {
        map { address -> (score: Double, address: SupernodeAddress) in
            let key: [UInt8] = [UInt8](address.url.utf8) + task.bytes
            let digest = Digest.of(key).bytes
            let number = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            // Uniform in (0, 1), never 0 or 1.
            let uniform = (Double(number >> 11) + 0.5) / Double(1 << 53)
            return (Self.logarithm(uniform) / Double(address.weight), address)
        }
        .sorted { ($0.score, $0.address.url) > ($1.score, $1.address.url) }
        .map(\.address)
    }

    private static func logarithm(_ value: Double) -> Double { log(value) }
}
