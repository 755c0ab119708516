public import Content

extension String: ConfigValue {
    /// Any text.
    public init?(configText: String) { self = configText }
    /// The text itself.
    public var configText: String { self }
    /// What a person is told to write.
    public static var expectation: String { "a text" }
}

extension Bool: ConfigValue {
    /// `true` or `false`, nothing else.
    public init?(configText: String) {
        switch configText {
        case "true": self = true
        case "false": self = false
        default: return nil
        }
    }
    /// `true` or `false`.
    public var configText: String { self ? "true" : "false" }
    /// What a person is told to write.
    public static var expectation: String { "true or false" }
}

extension Int: ConfigValue {
    /// Decimal digits, perhaps behind a minus; no leading zeros, which some read as octal.
    public init?(configText: String) {
        let digits = configText.hasPrefix("-") ? configText.dropFirst() : configText[...]
        guard isDigits(digits), digits == "0" || !digits.hasPrefix("0") else { return nil }
        self.init(configText)
    }
    /// In decimal.
    public var configText: String { String(self) }
    /// What a person is told to write.
    public static var expectation: String { "a whole number" }
}

extension Double: ConfigValue {
    /// Decimal digits with at most one point between them, perhaps behind a minus or with an exponent; finite.
    public init?(configText: String) {
        let allowed = "0123456789.-+eE".utf8
        guard configText.utf8.allSatisfy({ allowed.contains($0) }), let last = configText.utf8.last,
            isDigit(last), let first = configText.utf8.first(where: { $0 != UInt8(ascii: "-") }), isDigit(first),
            let number = Double(configText), number.isFinite
        else { return nil }
        self = number
    }
    /// The shortest text for the same number; 0 where it is no number.
    public var configText: String { isFinite ? "\(self)" : "0" }
    /// What a person is told to write.
    public static var expectation: String { "a number" }
}

extension ResourceURL: ConfigValue {
    /// An absolute URL.
    public init?(configText: String) { self.init(configText) }
    /// The URL without credentials: they are not printed.
    public var configText: String { text }
    /// What a person is told to write.
    public static var expectation: String { "an absolute URL" }
}

extension Digest: ConfigValue {
    /// `algorithm:hex`.
    public init?(configText: String) { self.init(configText) }
    /// `algorithm:hex`.
    public var configText: String { description }
    /// What a person is told to write.
    public static var expectation: String { "a digest such as sha256:<64 hex digits>" }
}

extension ConfigValue where Self: RawRepresentable, RawValue == String, Self: CaseIterable {
    /// One of the names.
    public init?(configText: String) { self.init(rawValue: configText) }
    /// The name.
    public var configText: String { rawValue }
    /// What a person is told to write.
    public static var expectation: String {
        "one of " + allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
    }
}

/// ASCII only: other scripts' digits are numbers to `Character`, but not to a configuration.
func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

func isDigits(_ text: some StringProtocol) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isDigit) }
