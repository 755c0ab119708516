import Content
import HTTPTypes

/// This proxy's name in `Via` fields (RFC 9110 §7.6.3), another one in each process: so a request that comes back is known.
struct Via: Sendable {
    /// Stands in what a node or supernode asks of an origin for the swarm.
    private static let swarm = "darter"

    let pseudonym: String

    init() { pseudonym = "\(Self.swarm)-\(String(UInt32.random(in: .min ... .max), radix: 16))" }

    /// The field's value for a message that came in that version of HTTP.
    func value(version: String = "1.1") -> String { "\(version.isEmpty ? "1.1" : version) \(pseudonym)" }

    /// Whether the message has been here before.
    func isLoop(_ headers: HTTPFields) -> Bool { Self.names(headers).contains(pseudonym) }

    /// Whether the request is one of the swarm's own, which must not wait for the swarm.
    static func isSwarm(_ headers: HTTPFields) -> Bool { names(headers).contains(swarm) }

    private static func names(_ headers: HTTPFields) -> [String] {
        guard let via = HTTPField.Name("Via") else { return [] }
        return HeaderFields(headers[values: via].map { ("Via", $0) }).elements(of: "Via").compactMap { element in
            let words = element.split(separator: " ")
            return words.count >= 2 ? words[1].lowercased() : nil
        }
    }
}
