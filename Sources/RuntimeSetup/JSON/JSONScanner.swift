/// JSON text (RFC 8259) -> the members of the outermost object.
///
/// Strict, as dockerd reads it; whatever is something else is an ``EditFault``.
struct JSONScanner {
    private static let deepest = 64

    private var cursor: TextCursor

    init(_ bytes: [UInt8]) { cursor = TextCursor(bytes) }

    /// The members of an object that is all there is, and where they are.
    mutating func object() throws(EditFault) -> ([JSONObjectText.Member], Range<Int>) {
        var members: [JSONObjectText.Member] = []
        try skipSpace()
        guard cursor.skip("{") else { throw cursor.fault("no JSON object") }
        let start = cursor.position
        try skipSpace()
        if !cursor.at("}") {
            repeat { members.append(try member()) } while try hasMore("}")
        }
        let inside = start..<cursor.position
        cursor.position += 1
        try skipSpace()
        guard cursor.isAtEnd else { throw cursor.fault("something stands behind the JSON object") }
        return (members, inside)
    }

    private mutating func member() throws(EditFault) -> JSONObjectText.Member {
        try skipSpace()
        let start = cursor.position
        let name = try string()
        try skipSpace()
        guard cursor.skip(":") else { throw cursor.fault("a name without ':'") }
        try skipSpace()
        let value = cursor.position
        let elements = cursor.at("[") ? try elements(depth: 0) : nil
        if elements == nil { try skipValue(depth: 0) }
        return JSONObjectText.Member(
            name: name,
            range: start..<cursor.position,
            value: value..<cursor.position,
            elements: elements
        )
    }

    private mutating func elements(depth: Int) throws(EditFault) -> [JSONObjectText.Element] {
        var elements: [JSONObjectText.Element] = []
        cursor.position += 1
        try skipSpace()
        if !cursor.at("]") {
            repeat {
                try skipSpace()
                let start = cursor.position
                let text = cursor.at("\"") ? try string() : nil
                if text == nil { try skipValue(depth: depth + 1) }
                elements.append(JSONObjectText.Element(range: start..<cursor.position, string: text))
            } while try hasMore("]")
        }
        cursor.position += 1
        return elements
    }

    private mutating func skipValue(depth: Int) throws(EditFault) {
        guard depth < Self.deepest else { throw cursor.fault("values are nested too deeply") }
        if cursor.at("\"") {
            _ = try string()
        } else if cursor.at("[") {
            _ = try elements(depth: depth)
        } else if cursor.skip("{") {
            try skipSpace()
            if !cursor.at("}") {
                repeat {
                    try skipSpace()
                    _ = try string()
                    try skipSpace()
                    guard cursor.skip(":") else { throw cursor.fault("a name without ':'") }
                    try skipSpace()
                    try skipValue(depth: depth + 1)
                } while try hasMore("}")
            }
            cursor.position += 1
        } else {
            try skipWord()
        }
    }

    private mutating func skipWord() throws(EditFault) {
        let word = cursor.take {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || "+-.".utf8.contains($0)
        }
        let isNumber = word.utf8.first.map { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") } ?? false
        guard ["true", "false", "null"].contains(word) || (isNumber && Double(word) != nil) else {
            throw cursor.fault("a value was expected")
        }
    }

    /// Whether a comma follows; else the place is at the closing bracket.
    private mutating func hasMore(_ closing: String) throws(EditFault) -> Bool {
        try skipSpace()
        if cursor.skip(",") { return true }
        guard cursor.at(closing) else { throw cursor.fault("',' or '\(closing)' was expected") }
        return false
    }

    private mutating func string() throws(EditFault) -> String {
        guard cursor.skip("\"") else { throw cursor.fault("a string in quotes was expected") }
        var text: [UInt8] = []
        while !cursor.skip("\"") {
            guard let byte = cursor.peek(), byte >= 0x20 else { throw cursor.fault("a string without its end") }
            cursor.position += 1
            text += byte == UInt8(ascii: "\\") ? try escape() : [byte]
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() throws(EditFault) -> [UInt8] {
        let byte = cursor.peek() ?? 0
        cursor.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            let digits = cursor.take(most: 4) { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
            guard digits.utf8.count == 4, let number = UInt32(digits, radix: 16) else {
                throw cursor.fault("an unknown escape in a string")
            }
            // Halves of surrogate pairs are in no name or URL that is looked for.
            return Array(String(Character(Unicode.Scalar(number) ?? "\u{FFFD}")).utf8)
        default: throw cursor.fault("an unknown escape in a string")
        }
    }

    private mutating func skipSpace() throws(EditFault) {
        repeat { cursor.skipBlanks() } while try cursor.skipLineBreak()
    }
}
