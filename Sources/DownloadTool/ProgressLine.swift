package import WireAPI

/// One line that tells a person how a download goes.
///
/// A pure value.
package struct ProgressLine: Sendable {
    package var name: String
    package var bytes: Int64
    package var length: Int64?
    /// Bytes per second.
    package var rate: Double
    package var from: ByteOrigins

    package init(name: String, bytes: Int64, length: Int64?, rate: Double, from: ByteOrigins) {
        self.name = name
        self.bytes = bytes
        self.length = length
        self.rate = rate
        self.from = from
    }

    /// The line, at most `width` columns wide.
    package func text(width: Int) -> String {
        var parts: [String] = []
        if let percent { parts.append("\(String(repeating: " ", count: 3 - "\(percent)".count))\(percent)%") }
        parts.append(Self.size(bytes))
        parts.append("\(Self.size(Int64(rate)))/s")
        if let remaining { parts.append("ETA \(remaining)") }
        if from.peers > 0, from.total > 0 { parts.append("\(from.peers * 100 / from.total)% from peers") }
        // What matters least goes first when the line is narrow.
        var facts = parts.joined(separator: "  ")
        while facts.count >= width, parts.count > 1 {
            parts.removeLast()
            facts = parts.joined(separator: "  ")
        }
        let shown = String(name.prefix(24))
        let room = width - facts.count - shown.count - 6
        guard room >= 10, let percent else {
            let all = "\(shown)  \(facts)"
            return all.count < width ? all : String(facts.prefix(max(0, width - 1)))
        }
        let cells = min(room, 40)
        let filled = cells * percent / 100
        let bar = String(repeating: "=", count: filled) + String(repeating: " ", count: cells - filled)
        return "\(shown)  [\(bar)] \(facts)"
    }

    private var percent: Int? {
        guard let length else { return nil }
        return length == 0 ? 100 : Int(min(100, Double(bytes) * 100 / Double(length)))
    }

    private var remaining: String? {
        guard let length, rate >= 1, bytes < length else { return nil }
        return Self.time(Double(length - bytes) / rate)
    }

    /// Such as `12.3 MiB`.
    package static func size(_ bytes: Int64) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var value = Double(bytes) / 1024
        var unit = "KiB"
        for next in ["MiB", "GiB", "TiB", "PiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        let tenths = Int64(value * 10)
        return value >= 100 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
    }

    /// Such as `1:05` or `2:03:04`.
    package static func time(_ seconds: Double) -> String {
        let total = Int(min(seconds.rounded(.up), 359_999))
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return hours > 0 ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
    }
}
