extension Decoder {
    /// Decodes a single string and parses it; a value that does not parse is `dataCorrupted`, naming `what`.
    func decodeText<Value>(_ what: String, _ parse: (String) -> Value?) throws -> Value {
        let container = try singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = parse(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not \(what)")
        }
        return value
    }
}

extension Encoder {
    /// Encodes a value as one string.
    func encodeText(_ text: String) throws {
        var container = singleValueContainer()
        try container.encode(text)
    }
}
