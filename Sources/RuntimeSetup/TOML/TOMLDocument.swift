/// A TOML text with what it says and where: edits change lines and leave every other byte as it is.
struct TOMLDocument {
    let bytes: [UInt8]
    let statements: [TOMLStatement]
    /// How its lines end.
    let lineBreak: String

    init(_ text: String) throws(EditFault) {
        bytes = Array(text.utf8)
        statements = try TOMLScanner.statements(of: bytes)
        let firstBreak = bytes.firstIndex(of: 0x0A) ?? 0
        lineBreak = firstBreak > 0 && bytes[firstBreak - 1] == 0x0D ? "\r\n" : "\n"
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The one `key = value` of a full path.
    func assignment(_ path: [String]) throws(EditFault) -> TOMLStatement? {
        let found = statements.filter { $0.path == path && !$0.isHeader }
        guard found.count <= 1 else { throw EditFault("'\(path.last ?? "")' is set twice", line: found[1].line) }
        return found.first
    }

    /// The `[header]` of a table.
    func header(_ path: [String]) throws(EditFault) -> TOMLStatement? {
        let found = statements.filter { $0.isHeader && $0.path == path }
        if let array = found.first(where: { $0.kind == .tableOfArray }) {
            throw EditFault("\(Self.written(path)) is an array of tables", line: array.line)
        }
        guard found.count <= 1 else { throw EditFault("\(Self.written(path)) is there twice", line: found[1].line) }
        return found.first
    }

    /// Refuses where a new `[header]` of this path would break the text: something else than headers has defined the table.
    func checkFree(_ path: [String]) throws(EditFault) {
        for statement in statements {
            let isInside = statement.path.starts(with: path) || path.starts(with: statement.path)
            guard isInside else { continue }
            let name = Self.written(statement.path)
            switch statement.kind {
            case .table: continue
            case .tableOfArray where path.starts(with: statement.path):
                throw EditFault("\(name) is an array of tables", line: statement.line)
            case .tableOfArray: continue
            case .value where path.starts(with: statement.path):
                throw EditFault(
                    "\(name) is written as one value; write it as a table with [\(name)]",
                    line: statement.line
                )
            case .value where statement.table.count < path.count:
                throw EditFault(
                    "\(name) is written as a dotted key; write it in a table [\(Self.written(path))]",
                    line: statement.line
                )
            case .value: continue
            }
        }
    }

    /// The text with some bytes replaced.
    func replacing(_ range: Range<Int>, with text: String) -> String {
        String(decoding: bytes[..<range.lowerBound] + Array(text.utf8) + bytes[range.upperBound...], as: UTF8.self)
    }

    /// The text with whole lines at its end, behind an empty line.
    func appending(_ lines: [String]) -> String {
        var start = text
        if !start.isEmpty, !Self.endsLine(start) { start += lineBreak }
        if !start.isEmpty { start += lineBreak }
        return start + lines.map { $0 + lineBreak }.joined()
    }

    /// Whether the last line has its break; to Swift, `\r\n` is one character that is not `\n`.
    static func endsLine(_ text: String) -> Bool { text.utf8.last == 0x0A }

    /// The bytes of a table: from its header to the next one that does not begin with its path, without the comment and
    /// the empty lines in front of that.
    func block(of header: TOMLStatement) -> Range<Int> {
        guard let index = statements.firstIndex(of: header) else { return header.lines }
        var end = header.lines.upperBound
        for statement in statements[(index + 1)...] {
            if statement.isHeader, !statement.path.starts(with: header.path) { break }
            end = statement.lines.upperBound
        }
        return header.lines.lowerBound..<end
    }

    /// Where the comment starts that stands directly above a statement; else the statement itself.
    func comment(above statement: TOMLStatement) -> Int {
        var start = statement.lines.lowerBound
        while start > 0 {
            let previous = bytes[..<(start - 1)].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            let line = bytes[previous..<start].drop { $0 == 0x20 || $0 == 0x09 }
            guard line.first == UInt8(ascii: "#") else { return start }
            start = previous
        }
        return start
    }

    /// The blanks in front of a statement.
    func indentation(of statement: TOMLStatement) -> String {
        String(decoding: bytes[statement.lines].prefix { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
    }

    /// A path as it stands in a header.
    static func written(_ path: [String]) -> String {
        path.map { key in
            let isBare =
                !key.isEmpty
                && key.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x2D || $0 == 0x5F
                }
            return isBare ? key : quoted(key)
        }
        .joined(separator: ".")
    }

    /// A basic string.
    static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar -> String in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2) + String(scalar.value, radix: 16)
            default: String(Character(scalar))
            }
        }
        return "\"\(escaped.joined())\""
    }
}
