/// A date of a header field (RFC 9110 §5.6.7), in seconds.
public struct HTTPDate: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01 00:00:00 UTC.
    public let seconds: Int64

    /// A moment in time.
    public init(seconds: Int64) { self.seconds = seconds }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Parses any of the three forms that a recipient must accept.
    ///
    /// Returns nil for anything else.
    public init?(_ text: some StringProtocol) {
        let words = text.split { " ,-".contains($0) }
        let fields: (day: Substring, month: Substring, year: Substring, time: Substring)
        switch words.count {
        case 6 where words[5] == "GMT" && text.contains(","):  // IMF-fixdate, RFC 850
            fields = (Substring(words[1]), Substring(words[2]), Substring(words[3]), Substring(words[4]))
        case 5 where !text.contains(","):  // asctime
            fields = (Substring(words[2]), Substring(words[1]), Substring(words[4]), Substring(words[3]))
        default: return nil
        }
        let clock = fields.time.split(separator: ":", omittingEmptySubsequences: false)
        guard let day = Self.number(fields.day, 1...2, upTo: 31), day > 0,
            let month = Self.months.firstIndex(of: String(fields.month)),
            let year = Self.number(fields.year, fields.year.count == 2 ? 2...2 : 4...4, upTo: 9999),
            clock.count == 3, let hour = Self.number(clock[0], 2...2, upTo: 23),
            let minute = Self.number(clock[1], 2...2, upTo: 59), let second = Self.number(clock[2], 2...2, upTo: 60)
        else { return nil }
        let fullYear = fields.year.count == 4 ? year : year < 70 ? 2000 + year : 1900 + year
        let days = Self.days(year: fullYear, month: Int64(month) + 1, day: day)
        // The 30th of February would be another day.
        guard Self.civil(days: days).day == day else { return nil }
        seconds = days * 86400 + hour * 3600 + minute * 60 + second
    }

    /// Orders by time.
    public static func < (left: HTTPDate, right: HTTPDate) -> Bool { left.seconds < right.seconds }

    private static func number(_ text: Substring, _ digits: ClosedRange<Int>, upTo limit: Int64) -> Int64? {
        guard digits.contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int64(text), number <= limit
        else { return nil }
        return number
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

extension HTTPDate: CustomStringConvertible {
    /// The preferred form (IMF-fixdate), `Sun, 06 Nov 1994 08:49:37 GMT`.
    public var description: String {
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let second = seconds - days * 86400
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(((days % 7) + 7) % 7)]
        let (year, month, day) = Self.civil(days: days)
        let clock = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(weekday), \(Self.padded(day, 2)) \(Self.months[Int(month) - 1]) \(Self.padded(year, 4)) \(clock) GMT"
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
