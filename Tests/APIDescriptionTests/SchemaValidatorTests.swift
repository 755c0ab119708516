import Testing

@Suite struct SchemaValidatorTests {
    /// A schema, a value that fits and one that does not.
    struct Case: Sendable, CustomTestStringConvertible {
        let schema: String
        let good: String
        let bad: String
        var testDescription: String { "\(schema): \(good), not \(bad)" }

        init(_ schema: String, _ good: String, _ bad: String) {
            self.schema = schema
            self.good = good
            self.bad = bad
        }
    }

    private static let document = """
        components:
          schemas:
            Name: {type: string, pattern: "^[a-z]+$"}
            Alias: {$ref: "#/components/schemas/Name"}
        """

    private func failures(_ schema: String, _ value: String) throws -> [String] {
        try SchemaValidator(document: JSONValue(yaml: Self.document))
            .failures(of: JSONValue(json: value.utf8), against: JSONValue(yaml: schema))
    }

    @Test(
        "A value that fits is valid, another one is not",
        arguments: [
            Case("{}", "[1, null]", ""),
            Case("{type: 'null'}", "null", "0"),
            Case("{type: boolean}", "true", "1"),
            Case("{type: integer}", "7", "7.5"),
            Case("{type: number}", "7", #""7""#),
            Case("{type: number}", "7.5", "true"),
            Case("{type: string}", #""7""#, "7"),
            Case("{type: array}", "[]", "{}"),
            Case("{type: object}", "{}", "null"),
            Case("{type: [string, 'null']}", "null", "1"),
            Case("{enum: [a, 1]}", "1", #""1""#),
            Case("{const: 'ok'}", #""ok""#, #""no""#),
            Case("{oneOf: [{type: string}, {type: integer}]}", "1", "1.5"),
            Case("{oneOf: [{type: number}, {type: integer}]}", "1.5", "1"),
            Case("{type: integer, minimum: 1}", "1", "0"),
            Case("{type: number, maximum: 1.5}", "1.5", "1.6"),
            Case("{type: integer, format: int32}", "2147483647", "2147483648"),
            Case("{type: string, pattern: '^a+$'}", #""aa""#, #""ab""#),
            Case("{type: string, contentEncoding: base64}", #""AQ==""#, #""AQ=""#),
            Case("{contentEncoding: base64, contentSchema: {type: array}}", #""W10=""#, #""e30=""#),
            Case("{contentSchema: {}}", #""W10=""#, #""W10""#),
            Case("{$ref: '#/components/schemas/Name'}", #""a""#, #""1""#),
            Case("{$ref: '#/components/schemas/Alias', description: beside}", #""a""#, #""1""#),
            Case("{type: array, items: {type: integer}}", "[1, 2]", "[1, null]"),
            Case("{type: array, minItems: 1, maxItems: 2}", "[1]", "[]"),
            Case("{type: array, minItems: 1, maxItems: 2}", "[1, 2]", "[1, 2, 3]"),
            Case("{required: [a], properties: {a: {}, b: {}}}", #"{"a": 1}"#, #"{"b": 1}"#),
            Case("{properties: {a: {type: string}}}", #"{"a": ""}"#, #"{"a": 1}"#),
            Case("{properties: {a: {}}}", "{}", #"{"b": 1}"#),
            Case("{properties: {a: {}}, additionalProperties: true}", #"{"b": 1}"#, ""),
            Case("{properties: {a: {}}, additionalProperties: false}", #"{"a": 1}"#, #"{"b": 1}"#),
            Case("{additionalProperties: {type: string}}", #"{"b": ""}"#, #"{"b": 1}"#),
            Case("{items: {properties: {a: {}}}}", #"[{"a": 1}]"#, #"[{"a": 1}, {"b": 1}]"#),
        ]
    )
    func values(_ value: Case) throws {
        #expect(try failures(value.schema, value.good) == [])
        if !value.bad.isEmpty { #expect(try failures(value.schema, value.bad).count == 1) }
    }

    @Test("A failure names its place")
    func places() throws {
        let schema = "{properties: {a: {items: {properties: {b: {type: string}}}}}}"
        #expect(try failures(schema, #"{"a": [{}, {"b": 1}]}"#) == [#"$.a[1].b: 1 is not of type "string""#])
    }

    @Test(
        "What the validator does not understand is a failure, never ignored",
        arguments: [
            "{minLength: 1}", "{format: date}", "{contentEncoding: base32}", "{pattern: '('}", "[]",
            "{$ref: '#/components/schemas/None'}", "{$ref: 'other.yaml#/a'}",
        ]
    )
    func unknown(schema: String) throws { #expect(try failures(schema, #""a""#).count == 1) }
}
