/// ``ConfigNode`` -> YAML text that ``YAMLReader`` reads back to the same.
enum YAMLWriter {
    static func text(_ node: ConfigNode) -> String {
        (block(node) ?? [inline(node)]).map { $0 + "\n" }.joined()
    }

    /// The lines of a collection; nil for what stands on one line.
    private static func block(_ node: ConfigNode) -> [String]? {
        switch node.kind {
        case .null, .scalar: nil
        case .sequence(let items):
            items.isEmpty
                ? nil
                : items.flatMap { item in
                    let lines = block(item) ?? [inline(item)]
                    return zip(lines.indices, lines).map { ($0 == 0 ? "- " : "  ") + $1 }
                }
        case .mapping(let entries):
            entries.isEmpty
                ? nil
                : entries.flatMap { entry in
                    guard let lines = block(entry.value) else {
                        return ["\(quoted(entry.key)): \(inline(entry.value))"]
                    }
                    return ["\(quoted(entry.key)):"] + lines.map { "  " + $0 }
                }
        }
    }

    private static func inline(_ node: ConfigNode) -> String {
        switch node.kind {
        case .null: "null"
        case .scalar(let text): quoted(text)
        case .sequence: "[]"
        case .mapping: "{}"
        }
    }

    /// The text as a plain scalar where that is safe, else in double quotes (YAML 1.2 §7.3.1).
    static func quoted(_ text: String) -> String {
        if isPlain(text) { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return result + "\""
    }

    private static func isPlain(_ text: String) -> Bool {
        let inner = "-_./:@+%*".utf8
        guard let first = text.utf8.first, isAlphanumeric(first) || "/._+".utf8.contains(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || inner.contains($0) } && text.utf8.last != UInt8(ascii: ":")
            && !["null", "Null", "NULL"].contains(text) && !text.hasPrefix("...")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7E, 0xA0...0x2027, 0x202A...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF: true
        default: false
        }
    }
}
