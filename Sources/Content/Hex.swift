extension Sequence<UInt8> {
    /// Two lower-case hex digits per byte.
    public var lowercaseHex: String {
        let digits: StaticString = "0123456789abcdef"
        return digits.withUTF8Buffer { table in
            var text: [UInt8] = []
            text.reserveCapacity(underestimatedCount * 2)
            for byte in self {
                text.append(table[Int(byte >> 4)])
                text.append(table[Int(byte & 15)])
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
}

extension [UInt8] {
    /// Parses pairs of lower-case hex digits.
    ///
    /// Returns nil for an odd count or any other character.
    public init?(lowercaseHex text: some StringProtocol) {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        self = []
        reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = Self.hexValue(digits[index]), let low = Self.hexValue(digits[index + 1])
            else { return nil }
            append(high << 4 | low)
        }
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
