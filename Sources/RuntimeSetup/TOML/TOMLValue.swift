/// What a value is, as far as the editors look into it.
enum TOMLValue: Sendable, Hashable {
    case string(String)
    case array([TOMLValue])
    /// An inline table, and whether there is nothing in it.
    case table(isEmpty: Bool)
    /// A number, a date, true or false.
    case other

    /// The text, where it is one.
    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The texts, where it is an array of nothing else.
    var strings: [String]? {
        guard case .array(let items) = self else { return nil }
        let texts = items.compactMap(\.string)
        return texts.count == items.count ? texts : nil
    }

    /// Whether it is a container that holds nothing.
    var isEmpty: Bool {
        switch self {
        case .array(let items): items.isEmpty
        case .table(let isEmpty): isEmpty
        case .string, .other: false
        }
    }
}

/// One line, or one value over several lines, that says something.
struct TOMLStatement: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// `[a.b]`.
        case table
        /// `[[a.b]]`.
        case tableOfArray
        /// `a.b = value`, and where the value's own text is.
        case value(TOMLValue, Range<Int>)
    }

    let kind: Kind
    /// In full: a key's with that of the table it stands in.
    let path: [String]
    /// The path of the table that it stands in; a header's own.
    let table: [String]
    /// The bytes of its lines, with the line break.
    let lines: Range<Int>
    /// From 1.
    let line: Int

    var isHeader: Bool {
        if case .value = kind { false } else { true }
    }

    var value: TOMLValue? {
        if case .value(let value, _) = kind { value } else { nil }
    }
}
