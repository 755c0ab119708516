package import Content

/// How long a request for a piece waited in line at its parent: the metric `queue` of the field `Server-Timing` (W3C Server
/// Timing, §2).
package enum QueueTiming {
    /// The field's name.
    package static let field = "Server-Timing"

    /// The field's value for a request that waited so long.
    package static func value(_ queued: Duration) -> String {
        let microseconds = max(0, queued.inNanoseconds / 1000)
        let fraction = String(microseconds % 1000 + 1000).dropFirst()
        return "queue;dur=\(microseconds / 1000).\(fraction)"
    }

    /// What the fields of an answer say; zero where they say nothing that makes sense.
    package static func queued(_ fields: HeaderFields) -> Duration {
        for element in fields.elements(of: field) {
            var parts = element.split(separator: ";").map(\.trimmed)
            guard !parts.isEmpty, parts.removeFirst() == "queue" else { continue }
            for part in parts where part.hasPrefix("dur=") {
                guard let milliseconds = Double(part.dropFirst(4)), (0...3_600_000).contains(milliseconds) else {
                    break
                }
                return .nanoseconds(Int64(milliseconds * 1e6))
            }
        }
        return .zero
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
