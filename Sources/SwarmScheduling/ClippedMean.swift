/// The mean of numbers that children tell, one each, of which those that stand out above count like the next ones.
///
/// So whatever one child says moves the mean by about its share. The largest eighth is clipped, and of three or more at
/// least one; of two nobody knows which one is wrong. Numbers within a quarter of each other count as next to each other:
/// they are kept as sums over such ranges, and a mean costs a step for each range in use.
struct ClippedMean: Sendable {
    private struct Range: Sendable {
        var count = 0
        var sum = 0.0
    }

    /// Four to each power of two.
    private var ranges: [Range] = []
    private var count = 0
    /// Nil where there are no numbers.
    private(set) var value: Double?

    /// Puts a number in place of another one; nil: there was none, or there is none now.
    mutating func replace(_ old: Int64?, by new: Int64?) {
        if let old { change(old, by: -1) }
        if let new { change(new, by: 1) }
        value = mean
    }

    private mutating func change(_ number: Int64, by change: Int) {
        let index = Self.range(of: number)
        if index >= ranges.count { ranges.append(contentsOf: repeatElement(Range(), count: index + 1 - ranges.count)) }
        count += change
        ranges[index].count += change
        ranges[index].sum = ranges[index].count == 0 ? 0 : ranges[index].sum + Double(change) * Double(number)
    }

    private static func range(of number: Int64) -> Int {
        let number = max(4, number)
        let power = 63 - number.leadingZeroBitCount
        return (power - 2) << 2 + Int(number >> Int64(power - 2) & 3)
    }

    private var mean: Double? {
        guard count > 0 else { return nil }
        var clipped = 0
        var left = count < 3 ? 0 : max(1, count / 8)
        var sum = 0.0
        for range in ranges.reversed() where range.count > 0 {
            if range.count <= left {
                clipped += range.count
                left -= range.count
            } else {
                sum += range.sum + Double(clipped) * range.sum / Double(range.count)
                clipped = 0
                left = 0
            }
        }
        return sum / Double(count)
    }
}
