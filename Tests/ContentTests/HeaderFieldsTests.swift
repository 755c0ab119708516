import Content
import FoundationEssentials
import Testing

@Suite struct HeaderFieldsTests {
    @Test("Names compare without regard to case, values keep theirs")
    func names() {
        var fields: HeaderFields = ["Accept": "A", "accept": "b", "Host": "h"]
        #expect(fields["ACCEPT"] == "A")
        #expect(fields.values(of: "aCCept") == ["A", "b"])
        #expect(fields.contains("hOST"))
        #expect(!fields.contains("Hos"))
        #expect(fields["accept "] == nil)
        // Only ASCII letters have two cases in a name.
        fields.append("\u{212A}ey", "kelvin")
        #expect(fields["key"] == nil)
        fields.remove("ACCEPT")
        #expect(fields.map(\.name) == ["Host", "\u{212A}ey"])
    }

    @Test("Setting replaces every line of the name where the first one stood")
    func setting() {
        var fields: HeaderFields = ["A": "1", "B": "2", "a": "3", "C": "4"]
        fields["b"] = "5"
        #expect(fields.map(\.value) == ["1", "5", "3", "4"])
        fields["A"] = "6"
        #expect(fields.map(\.value) == ["6", "5", "4"])
        fields["c"] = nil
        fields["D"] = "7"
        fields["E"] = nil
        #expect(fields.map(\.value) == ["6", "5", "7"])
    }

    @Test(
        "Lists part at commas outside of quotes (RFC 9110, 5.6.1)",
        arguments: [
            ("a, b ,\tc", ["a", "b", "c"]),
            (",, a ,,", ["a"]),
            ("", []),
            (" , ", []),
            ("\"a,b\", c", ["\"a,b\"", "c"]),
            ("\"a\\\",b\", c", ["\"a\\\",b\"", "c"]),
            ("\"open, c", ["\"open, c"]),
            ("W/\"x\", \"y,\"", ["W/\"x\"", "\"y,\""]),
            ("a\\,b", ["a\\", "b"]),
        ]
    )
    func lists(value: String, expected: [String]) {
        #expect((["X": value] as HeaderFields).elements(of: "x") == expected)
    }

    @Test("A list goes on over several lines")
    func lines() {
        let fields: HeaderFields = ["X": "a, b", "Y": "no", "x": "c"]
        #expect(fields.elements(of: "X") == ["a", "b", "c"])
    }

    @Test("Fields keep their order and repetitions in JSON")
    func coding() throws {
        let fields: HeaderFields = ["A": "1", "a": "2", "B": ""]
        let data = try JSONEncoder().encode(fields)
        #expect(try JSONDecoder().decode(HeaderFields.self, from: data) == fields)
        for bad in ["[[\"A\"]]", "[[\"A\",\"1\",\"2\"]]", "{\"A\":\"1\"}", "[[]]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode(HeaderFields.self, from: Data(bad.utf8))
            }
        }
    }

    @Test("Filtering is told names in lower case")
    func filtering() {
        let fields: HeaderFields = ["Authorization": "s", "Accept": "a"]
        #expect(fields.filter { $0 != "authorization" }.map(\.name) == ["Accept"])
    }
}
