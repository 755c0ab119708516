/// Builds the text format that a Prometheus server reads (exposition format 0.0.4).
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    mutating func append(_ family: MetricFamily, name: String, help: String?) {
        if let help { text += "# HELP \(name) \(Self.escapeHelp(help))\n" }
        text += "# TYPE \(name) \(family.kind.rawValue)\n"
        for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
            switch series {
            case .counter(let counter): append(name, labels.labels, String(counter.value))
            case .sum(let sum): append(name, labels.labels, Self.number(sum.value))
            case .gauge(let gauge): append(name, labels.labels, Self.number(gauge.value))
            case .observed(let read): append(name, labels.labels, Self.number(read()))
            case .histogram(let histogram): append(histogram, name: name, labels: labels.labels)
            }
        }
    }

    mutating func append(dropped: Int64) {
        text += "# HELP metrics_series_dropped_total Series that did not fit or contradicted another metric.\n"
        text += "# TYPE metrics_series_dropped_total counter\nmetrics_series_dropped_total \(dropped)\n"
    }

    private mutating func append(_ histogram: HistogramValue, name: String, labels: [MetricLabels.Label]) {
        let snapshot = histogram.snapshot
        var total: Int64 = 0
        for (bound, count) in zip(histogram.bounds + [.infinity], snapshot.counts) {
            total += count
            append(name + "_bucket", labels + [.init(name: "le", value: Self.number(bound))], String(total))
        }
        append(name + "_sum", labels, Self.number(snapshot.sum))
        append(name + "_count", labels, String(total))
    }

    private mutating func append(_ name: String, _ labels: [MetricLabels.Label], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(Self.escapeLabel($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String(value)
    }

    static func escapeLabel(_ value: String) -> String {
        String(
            value.unicodeScalars.reduce(into: String.UnicodeScalarView()) { result, scalar in
                switch scalar {
                case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
                case "\"": result.append(contentsOf: "\\\"".unicodeScalars)
                case "\n": result.append(contentsOf: "\\n".unicodeScalars)
                default: result.append(scalar)
                }
            }
        )
    }

    static func escapeHelp(_ text: String) -> String {
        String(
            text.unicodeScalars.reduce(into: String.UnicodeScalarView()) { result, scalar in
                switch scalar {
                case "\\": result.append(contentsOf: "\\\\".unicodeScalars)
                case "\n": result.append(contentsOf: "\\n".unicodeScalars)
                default: result.append(scalar)
                }
            }
        )
    }

    /// A name of letters, digits, `_` and `:` that does not begin with a digit.
    static func metricName(_ name: String) -> String { identifier(name, allowing: ":") }

    /// A name of letters, digits and `_` that does not begin with a digit and is not one of Prometheus' own.
    static func labelName(_ name: String) -> String {
        let name = identifier(name, allowing: "_")
        return name == "le" || name.hasPrefix("__") ? "exported_\(name)" : name
    }

    private static func identifier(_ name: String, allowing extra: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            let isLetter = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
            let isDigit = ("0"..."9").contains(scalar)
            if isDigit, result.isEmpty { result.append("_") }
            result.append(isLetter || isDigit || scalar == extra ? scalar : "_")
        }
        return result.isEmpty ? "_" : String(result)
    }
}
