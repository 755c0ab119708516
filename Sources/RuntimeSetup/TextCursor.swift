/// A place in a text that is being scanned.
struct TextCursor {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    /// The line of the place, from 1.
    private(set) var line = 1

    func fault(_ message: String) -> EditFault { EditFault(message, line: line) }

    func peek(_ offset: Int = 0) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    func at(_ text: String) -> Bool { bytes[min(position, bytes.count)...].starts(with: text.utf8) }

    /// Whether the text stood here, and the place is now behind it.
    mutating func skip(_ text: String) -> Bool {
        guard at(text) else { return false }
        position += text.utf8.count
        return true
    }

    mutating func skipBlanks() {
        while let byte = peek(), byte == 0x20 || byte == 0x09 { position += 1 }
    }

    mutating func take(most: Int = .max, _ isWanted: (UInt8) -> Bool) -> String {
        let start = position
        while let byte = peek(), position - start < most, isWanted(byte) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    /// One byte of a string or comment.
    mutating func character() throws(EditFault) -> UInt8 {
        guard let byte = peek() else { throw fault("the text ends too early") }
        guard byte >= 0x20 || byte == 0x09, byte != 0x7F else { throw fault("a control character") }
        position += 1
        return byte
    }

    /// Whether a line ends here, and the place is now behind its break.
    mutating func skipLineBreak() throws(EditFault) -> Bool {
        if skip("\n") || skip("\r\n") {
            line += 1
            return true
        }
        if at("\r") { throw fault("a carriage return without a line feed") }
        return false
    }

    /// Whether nothing but blanks and a `#` comment is left of the line; the place is then behind its break.
    mutating func skipLineEnd() throws(EditFault) -> Bool {
        skipBlanks()
        if at("#") {
            while let byte = peek(), byte != 0x0A, byte != 0x0D { _ = try character() }
        }
        if isAtEnd { return true }
        return try skipLineBreak()
    }

    /// Skips blanks, line breaks and `#` comments.
    mutating func skipSpace() throws(EditFault) {
        while true {
            skipBlanks()
            guard let byte = peek(), byte == 0x0A || byte == 0x0D || byte == UInt8(ascii: "#") else { return }
            _ = try skipLineEnd()
        }
    }
}
