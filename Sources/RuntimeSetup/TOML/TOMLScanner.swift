/// TOML text (v1.0.0) -> ``TOMLStatement``s.
///
/// Finds tables, keys and where values are; of numbers and dates it checks no more than the characters. Whatever it does
/// not understand is an ``EditFault``.
struct TOMLScanner {
    private static let deepest = 64

    private var cursor: TextCursor
    private var table: [String] = []
    private var statements: [TOMLStatement] = []

    static func statements(of bytes: [UInt8]) throws(EditFault) -> [TOMLStatement] {
        var scanner = TOMLScanner(cursor: TextCursor(bytes))
        try scanner.run()
        return scanner.statements
    }

    private mutating func run() throws(EditFault) {
        if cursor.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { cursor.position = 3 }
        while !cursor.isAtEnd {
            let start = cursor.position
            cursor.skipBlanks()
            if cursor.isAtEnd { break }
            if try cursor.skipLineEnd() { continue }
            let line = cursor.line
            let (kind, path) = try statement()
            guard try cursor.skipLineEnd() else {
                throw cursor.fault("something stands behind the end of the value or header")
            }
            statements.append(
                TOMLStatement(kind: kind, path: path, table: table, lines: start..<cursor.position, line: line)
            )
        }
    }

    private mutating func statement() throws(EditFault) -> (TOMLStatement.Kind, [String]) {
        if cursor.skip("[[") {
            table = try header(closing: "]]")
            return (.tableOfArray, table)
        }
        if cursor.skip("[") {
            table = try header(closing: "]")
            return (.table, table)
        }
        let keys = try keys()
        try expect("=", "a key without '='")
        cursor.skipBlanks()
        let start = cursor.position
        let value = try value(depth: 0)
        return (.value(value, start..<cursor.position), table + keys)
    }

    private mutating func header(closing: String) throws(EditFault) -> [String] {
        cursor.skipBlanks()
        let keys = try keys()
        try expect(closing, "a table's header without '\(closing)'")
        return keys
    }

    private mutating func keys() throws(EditFault) -> [String] {
        var keys: [String] = []
        repeat {
            cursor.skipBlanks()
            keys.append(try key())
            cursor.skipBlanks()
        } while cursor.skip(".")
        return keys
    }

    private mutating func key() throws(EditFault) -> String {
        if cursor.at("\"\"\"") || cursor.at("'''") { throw cursor.fault("a key of several lines") }
        if cursor.at("\"") || cursor.at("'") { return try TOMLString.scan(&cursor) }
        let bare = cursor.take(Self.isBare)
        guard !bare.isEmpty else { throw cursor.fault("a key was expected") }
        return bare
    }

    private mutating func value(depth: Int) throws(EditFault) -> TOMLValue {
        guard depth < Self.deepest else { throw cursor.fault("values are nested too deeply") }
        if cursor.at("\"") || cursor.at("'") { return .string(try TOMLString.scan(&cursor)) }
        if cursor.skip("[") { return .array(try array(depth)) }
        if cursor.skip("{") { return .table(isEmpty: try inlineTable(depth)) }
        guard !cursor.take(Self.isScalar).isEmpty else { throw cursor.fault("a value was expected") }
        // A date and a time may be parted by a blank.
        if cursor.at(" "), let next = cursor.peek(1), (0x30...0x39).contains(next) {
            cursor.skipBlanks()
            _ = cursor.take(Self.isScalar)
        }
        return .other
    }

    private mutating func array(_ depth: Int) throws(EditFault) -> [TOMLValue] {
        var items: [TOMLValue] = []
        while true {
            try cursor.skipSpace()
            if cursor.skip("]") { return items }
            items.append(try value(depth: depth + 1))
            try cursor.skipSpace()
            if !cursor.skip(",") {
                try expect("]", "an array without its end")
                return items
            }
        }
    }

    /// Whether it is empty.
    private mutating func inlineTable(_ depth: Int) throws(EditFault) -> Bool {
        var isEmpty = true
        while true {
            try cursor.skipSpace()
            if cursor.skip("}") { return isEmpty }
            _ = try keys()
            try expect("=", "a key without '='")
            cursor.skipBlanks()
            _ = try value(depth: depth + 1)
            isEmpty = false
            try cursor.skipSpace()
            if !cursor.skip(",") {
                try expect("}", "an inline table without its end")
                return false
            }
        }
    }

    private mutating func expect(_ text: String, _ fault: String) throws(EditFault) {
        cursor.skipBlanks()
        guard cursor.skip(text) else { throw cursor.fault(fault) }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isScalar(_ byte: UInt8) -> Bool { isBare(byte) || "+.:".utf8.contains(byte) }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }
}
