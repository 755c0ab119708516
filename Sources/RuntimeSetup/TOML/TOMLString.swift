/// The four kinds of strings of TOML v1.0.0.
enum TOMLString {
    /// Takes one; the cursor stands at its first quote.
    static func scan(_ cursor: inout TextCursor) throws(EditFault) -> String {
        for quote in ["\"", "'"] {
            if cursor.skip(quote + quote + quote) { return try long(quote, &cursor) }
            if cursor.skip(quote) { return try short(quote, &cursor) }
        }
        throw cursor.fault("a string was expected")
    }

    private static func short(_ quote: String, _ cursor: inout TextCursor) throws(EditFault) -> String {
        var text: [UInt8] = []
        while !cursor.skip(quote) {
            guard let byte = cursor.peek(), byte != 0x0A, byte != 0x0D else {
                throw cursor.fault("a string without its end")
            }
            if byte == UInt8(ascii: "\\"), quote == "\"" {
                text += try escape(&cursor)
            } else {
                text.append(try cursor.character())
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func long(_ quote: String, _ cursor: inout TextCursor) throws(EditFault) -> String {
        var text: [UInt8] = []
        let end = quote + quote + quote
        _ = try cursor.skipLineBreak()
        while !cursor.at(end) {
            guard let byte = cursor.peek() else { throw cursor.fault("a string without its end") }
            if byte == 0x0A || byte == 0x0D {
                _ = try cursor.skipLineBreak()
                text.append(0x0A)
            } else if byte == UInt8(ascii: "\\"), quote == "\"" {
                text += try foldedEscape(&cursor)
            } else {
                text.append(try cursor.character())
            }
        }
        _ = cursor.skip(end)
        // Two more quotes may belong to the text.
        for _ in 0..<2 where cursor.skip(quote) { text += Array(quote.utf8) }
        return String(decoding: text, as: UTF8.self)
    }

    /// An escape, or a backslash that joins lines.
    private static func foldedEscape(_ cursor: inout TextCursor) throws(EditFault) -> [UInt8] {
        var ahead = cursor
        ahead.position += 1
        ahead.skipBlanks()
        guard try ahead.skipLineBreak() else { return try escape(&cursor) }
        repeat { ahead.skipBlanks() } while try ahead.skipLineBreak()
        cursor = ahead
        return []
    }

    private static func escape(_ cursor: inout TextCursor) throws(EditFault) -> [UInt8] {
        cursor.position += 1
        guard let byte = cursor.peek() else { throw cursor.fault("a string without its end") }
        cursor.position += 1
        switch byte {
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "u"): return try scalar(4, &cursor)
        case UInt8(ascii: "U"): return try scalar(8, &cursor)
        default: throw cursor.fault("an unknown escape in a string")
        }
    }

    private static func scalar(_ digits: Int, _ cursor: inout TextCursor) throws(EditFault) -> [UInt8] {
        let text = cursor.take(most: digits) { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) }
        guard text.utf8.count == digits, let number = UInt32(text, radix: 16), let scalar = Unicode.Scalar(number)
        else { throw cursor.fault("an escape in a string that names no character") }
        return Array(String(Character(scalar)).utf8)
    }
}
