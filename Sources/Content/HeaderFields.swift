/// The header fields of a message in order, with repeated fields kept apart.
///
/// Names compare without regard to case (RFC 9110 §5.1).
public struct HeaderFields: Sendable, Hashable {
    /// One field line.
    public struct Field: Sendable, Hashable, Codable {
        /// The field's name as it was given.
        public var name: String
        /// The field's value without surrounding white space.
        public var value: String

        /// A field line.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    private var fields: [Field]

    /// No fields.
    public init() { fields = [] }

    /// The fields in the given order.
    public init(_ fields: some Sequence<(String, String)>) {
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
    }

    /// The first value of a field.
    ///
    /// Setting replaces every line of that name by one, or removes them all.
    public subscript(_ name: String) -> String? {
        get { fields.first { Self.same($0.name, name) }?.value }
        set {
            let position = fields.firstIndex { Self.same($0.name, name) } ?? fields.endIndex
            fields.removeAll { Self.same($0.name, name) }
            if let newValue {
                fields.insert(Field(name: name, value: newValue), at: Swift.min(position, fields.endIndex))
            }
        }
    }

    /// All values of a field in order.
    public func values(of name: String) -> [String] {
        fields.filter { Self.same($0.name, name) }.map(\.value)
    }

    /// The comma-separated elements of a list field over all its lines (RFC 9110 §5.6.1), trimmed; quoted commas do not part.
    public func elements(of name: String) -> [String] {
        values(of: name).flatMap { Self.split($0) }
    }

    /// Whether there is a line of that name.
    public func contains(_ name: String) -> Bool { self[name] != nil }

    /// Adds a line behind all others.
    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Adds all lines of `other` behind the own.
    public mutating func append(contentsOf other: HeaderFields) {
        fields.append(contentsOf: other.fields)
    }

    /// Takes every line of that name out.
    public mutating func remove(_ name: String) {
        fields.removeAll { Self.same($0.name, name) }
    }

    /// The lines whose name satisfies `isIncluded` (given in lower case).
    public func filter(names isIncluded: (String) -> Bool) -> HeaderFields {
        var result = self
        result.fields.removeAll { !isIncluded($0.name.lowercased()) }
        return result
    }

    private static func same(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { pair in lower(pair.0) == lower(pair.1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    private static func split(_ value: String) -> [String] {
        var parts: [String] = [""]
        var quoted = false
        var escaped = false
        for character in value {
            if character == ",", !quoted {
                parts.append("")
                continue
            }
            if escaped {
                escaped = false
            } else if character == "\\", quoted {
                escaped = true
            } else if character == "\"" {
                quoted.toggle()
            }
            parts[parts.count - 1].append(character)
        }
        return parts.map { part in
            String(part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
        }.filter { !$0.isEmpty }
    }
}

extension HeaderFields: RandomAccessCollection {
    /// The position of the first line.
    public var startIndex: Int { fields.startIndex }
    /// The position behind the last line.
    public var endIndex: Int { fields.endIndex }
    /// The line at a position.
    public subscript(position: Int) -> Field { fields[position] }
}

extension HeaderFields: ExpressibleByDictionaryLiteral {
    /// The fields in the order of the literal; repeated names are kept.
    public init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }
}

extension HeaderFields: Codable {
    /// Decodes an array of `[name, value]` pairs.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let pairs = try container.decode([[String]].self)
        guard pairs.allSatisfy({ $0.count == 2 }) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "a header field is a name and a value"
            )
        }
        self.init(pairs.map { ($0[0], $0[1]) })
    }

    /// Encodes as an array of `[name, value]` pairs.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(fields.map { [$0.name, $0.value] })
    }
}
