import Testing

@testable import RuntimeSetup

@Suite struct TOMLScannerTests {
    private func paths(_ text: String) throws -> [String] {
        try TOMLDocument(text).statements.map { statement in
            let path = statement.path.joined(separator: "|")
            switch statement.kind {
            case .table: return "[\(path)]"
            case .tableOfArray: return "[[\(path)]]"
            case .value(let value, _): return value.string.map { "\(path)='\($0)'" } ?? path
            }
        }
    }

    @Test(
        "Tables and keys are found in every way that TOML has of writing them",
        arguments: [
            ("", []),
            ("# only a comment", []),
            ("a = 1\n[b]\nc = 2 # d = 3\n", ["a", "[b]", "b|c"]),
            ("[ a . \"b.c\" . 'd' ]\n  e.f = true", ["[a|b.c|d]", "a|b.c|d|e|f"]),
            ("[[r]]\nx = 'C:\\n'\n[[r]]\n", ["[[r]]", "r|x='C:\\n'", "[[r]]"]),
            ("a = \"\\u00e9\\n\\\"[b]\\\"\"", ["a='é\n\"[b]\"'"]),
            ("a = \"\"\"\n[no]\nb = \\\n   1\"\"\"\n[c]", ["a='[no]\nb = 1'", "[c]"]),
            ("a = '''\n[no]\r\n''' # x\r\n[c]", ["a='[no]\n'", "[c]"]),
            ("a = [\n  # [no]\n  \"x\", [1, 2],\n]\nb = { c = [1], \"d\" = {} }", ["a", "b"]),
            ("d = 1979-05-27 07:32:00Z\nn = -1.5e+3", ["d", "n"]),
            ("\u{FEFF}a = \"\"", ["a=''"]),
            ("a = \"\"\"x\"\"\"\"\"", ["a='x\"\"'"]),
        ] as [(String, [String])]
    )
    func statements(text: String, expected: [String]) throws {
        #expect(try paths(text) == expected)
    }

    @Test(
        "What is not understood is refused with its line",
        arguments: [
            ("a", 1), ("a = ", 1), ("\na = \"x", 2), ("a = 1 b = 2", 1), ("[a", 1), ("[[a]", 1), ("\n\n[a] x", 3),
            ("a = [1, 2", 1), ("a = \"\\q\"", 1), ("a = \"\\ud800\"", 1), ("a = '''x", 1), ("= 1", 1),
            ("a = 1\rb = 2", 1),
            ("a = \"x\u{1}\"", 1), ("a = {b = 1", 1), ("a..b = 1", 1), ("# \u{7F}", 1), ("{}", 1), ("<xml/>", 1),
            ("\"\"\"a\"\"\" = 1", 1),
        ]
    )
    func malformed(text: String, line: Int) {
        let fault = #expect(throws: EditFault.self) { try TOMLDocument(text) }
        #expect(fault?.line == line, "\(String(describing: fault))")
    }

    @Test("Deep nesting and every prefix of a text end in an answer")
    func total() {
        let deep = "a = " + String(repeating: "[", count: 100_000)
        #expect(throws: EditFault.self) { try TOMLDocument(deep) }
        let text = Array("[a.\"b\"]\nc = [\"\\u0041\", {d = '''\n'''}] # e\r\n".utf8)
        var understood = 0
        for end in text.indices where (try? TOMLDocument(String(decoding: text[..<end], as: UTF8.self))) != nil {
            understood += 1
        }
        #expect(understood > 0 && understood < text.count)
    }
}
