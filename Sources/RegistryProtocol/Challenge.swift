/// One way to log in that a server offers in `WWW-Authenticate` (RFC 9110 §11.6.1).
public struct Challenge: Sendable, Hashable {
    /// `basic`, `bearer` and the like, in lower case.
    public let scheme: String
    /// What stands in place of parameters, as with `Negotiate`.
    public let token68: String?
    /// The parameters, their names in lower case; of a repeated one the first counts.
    public let parameters: [String: String]

    /// A challenge.
    public init(scheme: String, token68: String? = nil, parameters: [String: String] = [:]) {
        self.scheme = scheme
        self.token68 = token68
        self.parameters = parameters
    }

    /// The challenges of some field values in order; each value may hold several.
    ///
    /// Whatever is malformed is left out.
    public static func parse(_ values: some Sequence<String>) -> [Challenge] {
        values.flatMap { value in
            var parser = ChallengeParser(value)
            return parser.challenges()
        }
    }
}

private struct ChallengeParser {
    private let bytes: [UInt8]
    private var position = 0

    init(_ value: String) { bytes = Array(value.utf8) }

    mutating func challenges() -> [Challenge] {
        var result: [Challenge] = []
        while position < bytes.count {
            skip { ASCII.isBlank($0) || $0 == UInt8(ascii: ",") }
            let scheme = take(ASCII.isTokenCharacter)
            guard !scheme.isEmpty, position == bytes.count || ASCII.isBlank(bytes[position]) || at(",") else {
                skip { $0 != UInt8(ascii: ",") }
                continue
            }
            skip(ASCII.isBlank)
            if let token = token68() {
                result.append(Challenge(scheme: scheme.lowercased(), token68: token))
            } else {
                result.append(Challenge(scheme: scheme.lowercased(), parameters: parameters()))
            }
        }
        return result
    }

    /// A token68 that fills the challenge; else nothing is taken.
    private mutating func token68() -> String? {
        let start = position
        let body = take { ASCII.isDigit($0) || ASCII.isLetter($0) || "-._~+/".utf8.contains($0) }
        let padding = take { $0 == UInt8(ascii: "=") }
        skip(ASCII.isBlank)
        guard !body.isEmpty, position == bytes.count || at(",") else {
            position = start
            return nil
        }
        return body + padding
    }

    /// Parameters up to the end, or to the comma behind which another challenge begins.
    private mutating func parameters() -> [String: String] {
        var result: [String: String] = [:]
        while true {
            let start = position
            skip { ASCII.isBlank($0) || $0 == UInt8(ascii: ",") }
            let name = take(ASCII.isTokenCharacter).lowercased()
            skip(ASCII.isBlank)
            guard !name.isEmpty, at("=") else {
                position = start
                break
            }
            position += 1
            skip(ASCII.isBlank)
            let value = at("\"") ? quoted() : take { $0 != UInt8(ascii: ",") && !ASCII.isBlank($0) }
            if result[name] == nil { result[name] = value }
            skip(ASCII.isBlank)
            guard position == bytes.count || at(",") else { break }
        }
        // Whatever follows a malformed parameter belongs to nothing.
        skip { $0 != UInt8(ascii: ",") }
        return result
    }

    /// RFC 9110 §5.6.4; one that does not end goes to the end.
    private mutating func quoted() -> String {
        position += 1
        var value: [UInt8] = []
        while position < bytes.count, !at("\"") {
            if at("\\"), position + 1 < bytes.count { position += 1 }
            value.append(bytes[position])
            position += 1
        }
        position = min(position + 1, bytes.count)
        return String(decoding: value, as: UTF8.self)
    }

    private func at(_ character: Unicode.Scalar) -> Bool {
        position < bytes.count && UInt32(bytes[position]) == character.value
    }

    private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
        while position < bytes.count, isSkipped(bytes[position]) { position += 1 }
    }

    private mutating func take(_ isTaken: (UInt8) -> Bool) -> String {
        let start = position
        skip(isTaken)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }
}
