package import Content
package import NIOCore

/// What an upstream answers to a request for another protocol: a head in the bytes of HTTP/1.1 (RFC 9112 §4, §5), read as far as it
/// has to be understood.
package struct UpstreamAnswer: Sendable {
    package let status: Int
    package let fields: HeaderFields
    /// All of the body, where it was wanted and the head tells how long it is.
    package internal(set) var body: ByteBuffer?

    /// Nil for what is no such head.
    init?(head: String) {
        var lines = head.split { $0 == "\n" || $0 == "\r\n" }[...]
        guard let status = lines.popFirst().flatMap(Self.status) else { return nil }
        var fields = HeaderFields()
        for line in lines {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            // RFC 9112 §5.1: no space in front of the colon; §5.2: lines are not folded.
            guard parts.count == 2, !parts[0].isEmpty, !parts[0].contains(where: \.isWhitespace) else { return nil }
            fields.append(String(parts[0]), Self.trimmed(parts[1]))
        }
        self.status = status
        self.fields = fields
    }

    private static func trimmed(_ value: Substring) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var value = value.drop(while: isSpace)
        while let last = value.last, isSpace(last) { value.removeLast() }
        return String(value)
    }

    private static func status(_ line: Substring) -> Int? {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, ["HTTP/1.1", "HTTP/1.0"].contains(words[0]), words[1].utf8.count == 3,
            let status = Int(words[1]), status >= 100
        else { return nil }
        return status
    }

    /// Whether the connection speaks the other protocol from here on.
    package var isAccepted: Bool { status == 101 }

    /// Whether another head follows.
    var isInterim: Bool { status < 200 && !isAccepted }

    /// The length of the body where the head tells it (RFC 9112 §6.3).
    var bodyLength: Int? { status == 204 || status == 304 ? 0 : length.flatMap { Int($0) } }

    /// The length that the head tells, whether there is a body or not.
    package var length: Int64? {
        let lengths = fields.values(of: "Content-Length")
        guard !fields.contains("Transfer-Encoding"), lengths.count == 1, let text = lengths.first,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(text)
    }
}

/// Why an upstream has not answered.
package enum UpstreamFault: Error, CustomStringConvertible {
    case closed, late, malformed, tooLong

    package var description: String {
        switch self {
        case .closed: "the connection ended before the answer"
        case .late: "no answer in time"
        case .malformed: "what came is no answer of HTTP/1.1"
        case .tooLong: "the answer's head has no end"
        }
    }
}
