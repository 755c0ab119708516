/// An amount of bytes, such as a quota.
///
/// `64MiB` and the like are powers of 1024, `200MB` and the like powers of 1000, and a bare `512k`, `10M` or `1G` is a
/// power of 1024, as with wget and nginx.
public struct ByteCount: Sendable, Hashable {
    /// Never negative.
    public let bytes: Int64

    /// An amount; negative ones become 0.
    public init(bytes: Int64) { self.bytes = max(0, bytes) }

    /// So many times 2^20.
    public static func mebibytes(_ count: Int64) -> ByteCount { ByteCount(bytes: count << 20) }

    /// So many times 2^30.
    public static func gibibytes(_ count: Int64) -> ByteCount { ByteCount(bytes: count << 30) }

    private static let prefixes = ["k", "m", "g", "t", "p"]

    /// The size of a unit; nil if there is no such unit.
    private static func unit(_ text: some StringProtocol) -> Int64? {
        if text.isEmpty || text == "B" { return 1 }
        guard let index = prefixes.firstIndex(of: text.prefix(1).lowercased()) else { return nil }
        let (base, power): (Int64, Int) =
            switch text.dropFirst() {
            case "", "iB", "i": (1024, index + 1)
            case "B": (1000, index + 1)
            default: (0, 0)
            }
        return base == 0 ? nil : (0..<power).reduce(1) { size, _ in size * base }
    }
}

extension ByteCount: ConfigValue {
    /// Digits, perhaps with a decimal fraction, and a unit directly behind them.
    public init?(configText: String) {
        let number = configText.prefix { $0 == "." || $0.utf8.allSatisfy(isDigit) }
        guard let unit = Self.unit(configText[number.endIndex...]) else { return nil }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, isDigits(parts[0]), let whole = Int64(parts[0]) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            guard unit > 1, isDigits(parts[1]), parts[1].utf8.count <= 3, let digits = Int64(parts[1]) else {
                return nil
            }
            // At most 999 times 2^50: no overflow.
            fraction = (0..<parts[1].utf8.count).reduce(digits * unit) { rest, _ in rest / 10 }
        }
        let (sum, tooMuch) = product.addingReportingOverflow(fraction)
        guard !tooMuch else { return nil }
        self.init(bytes: sum)
    }

    /// The shortest exact way to write it.
    public var configText: String {
        guard bytes > 0 else { return "0" }
        var best = String(bytes)
        for suffix in ["B", "iB"] {
            for prefix in ["k", "M", "G", "T", "P"] {
                let name = (suffix == "iB" && prefix == "k" ? "K" : prefix) + suffix
                guard let unit = Self.unit(name), bytes.isMultiple(of: unit) else { continue }
                let text = "\(bytes / unit)\(name)"
                if text.utf8.count < best.utf8.count || (text.utf8.count == best.utf8.count && suffix == "iB") {
                    best = text
                }
            }
        }
        return best
    }

    /// What a person is told to write.
    public static var expectation: String { "a size such as 512k, 64MiB, 200MB or 1G" }
}

extension ByteCount: Comparable, CustomStringConvertible {
    /// Fewer bytes come first.
    public static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }
    /// Same as ``configText``.
    public var description: String { configText }
}
