extension Duration: ConfigValue {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// Whole numbers with units in falling order, such as `1h30m`; a bare number is refused unless it is 0.
    public init?(configText: String) {
        var rest = configText.utf8[...]
        if configText == "0" {
            self = .zero
            return
        }
        guard !rest.isEmpty else { return nil }
        var total: Int64 = 0
        var units = Self.units[...]
        while !rest.isEmpty {
            let digits = rest.prefix(while: isDigit)
            rest = rest[digits.endIndex...]
            let name = rest.prefix { !isDigit($0) }
            rest = rest[name.endIndex...]
            guard let number = Int64(Substring(digits)),
                let position = units.firstIndex(where: { $0.name.utf8.elementsEqual(name) })
            else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: units[position].nanoseconds)
            let (sum, tooLong) = total.addingReportingOverflow(product)
            guard !overflow, !tooLong else { return nil }
            total = sum
            units = units[(position + 1)...]
        }
        self = .nanoseconds(total)
    }

    /// Such as `1h30m`, exact to the nanosecond; negative durations become `0s`, those of centuries the longest that
    /// can be read back.
    public var configText: String {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, tooLong) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        var rest = overflow || tooLong ? (seconds < 0 ? 0 : Int64.max) : max(0, sum)
        var text = ""
        for unit in Self.units where rest >= unit.nanoseconds {
            text += "\(rest / unit.nanoseconds)\(unit.name)"
            rest %= unit.nanoseconds
        }
        return text.isEmpty ? "0s" : text
    }

    /// What a person is told to write.
    public static var expectation: String { "a duration such as 500ms, 30s, 5m, 1h30m or 2d" }
}
