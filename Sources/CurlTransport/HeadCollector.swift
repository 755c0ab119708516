internal import Content

/// Puts a response's head together from the lines that libcurl hands over.
struct HeadCollector {
    private static let longest = 256 << 10

    private(set) var status = 0
    private(set) var httpVersion = ""
    private(set) var fields: HeaderFields = [:]
    private var size = 0

    /// What a line did.
    enum Outcome {
        /// The head goes on.
        case more
        /// That was the end of a head.
        case complete
        /// Not a head that one can read.
        case malformed(String)
    }

    /// Takes the next line, with or without its line end.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        size += bytes.count
        guard size <= Self.longest else { return .malformed("the response's head is too long") }
        var line = String(decoding: bytes, as: UTF8.self)[...]
        while let last = line.unicodeScalars.last, last == "\r" || last == "\n" { line.unicodeScalars.removeLast() }
        if line.isEmpty {
            if let fault { return .malformed(fault) }
            return status == 0 ? .more : .complete
        }
        if line.hasPrefix("HTTP/") { return takeStatus(line) }
        if line.hasPrefix(" ") || line.hasPrefix("\t") { return fold(line) }
        guard let colon = line.firstIndex(of: ":") else { return .more }
        fields.append(String(line[..<colon]), Self.trimmed(line[line.index(after: colon)...]))
        return .more
    }

    /// The length that is announced for the body (RFC 9112 §6.3); it may be told more than once.
    var contentLength: Int64? {
        guard !fields.contains("Transfer-Encoding") else { return nil }
        let values = fields.values(of: "Content-Length").flatMap { value in
            value.split(separator: ",", omittingEmptySubsequences: false).map { Self.number(Self.trimmed($0)) }
        }
        guard let length = values.first, values.allSatisfy({ $0 == length }) else { return nil }
        return length
    }

    private static func number(_ text: String) -> Int64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }

    /// Why nobody can tell where the body ends: not libcurl either, which goes by the last of several lengths, and by the digits
    /// that a value begins with.
    private var fault: String? {
        guard status >= 200, fields.contains("Content-Length"), !fields.contains("Transfer-Encoding"),
            contentLength == nil
        else { return nil }
        return "Content-Length is not one length"
    }

    private mutating func takeStatus(_ line: Substring) -> Outcome {
        let words = line.dropFirst("HTTP/".count).split(separator: " ", maxSplits: 2)
        guard words.count >= 2, let number = Int(words[1]), (100...999).contains(number) else {
            return .malformed("a malformed status line")
        }
        self = HeadCollector()
        httpVersion = String(words[0])
        status = number
        size = line.utf8.count
        return .more
    }

    /// A continued line (RFC 9112 §5.2).
    private mutating func fold(_ line: Substring) -> Outcome {
        guard let last = fields.last else { return .more }
        var kept = HeaderFields(fields.dropLast().map { ($0.name, $0.value) })
        kept.append(last.name, Self.trimmed((last.value + " " + Self.trimmed(line))[...]))
        fields = kept
        return .more
    }

    private static func trimmed(_ text: Substring) -> String {
        let front = text.drop { $0 == " " || $0 == "\t" }
        guard let last = front.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return String(front[...last])
    }
}
