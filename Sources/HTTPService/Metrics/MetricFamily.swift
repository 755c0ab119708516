/// All series of one metric.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    let kind: Kind
    var series: [MetricLabels: MetricSeries] = [:]
}

/// The labels of a series, sorted by name.
struct MetricLabels: Sendable, Hashable, Comparable {
    struct Label: Sendable, Hashable {
        let name: String
        let value: String
    }

    let labels: [Label]

    /// Names are made fit for Prometheus; of two that become the same the last one counts.
    init(_ dimensions: [(String, String)]) {
        let values = Dictionary(dimensions.map { (PrometheusText.labelName($0.0), $0.1) }) { $1 }
        labels = values.sorted { $0.key < $1.key }.map { Label(name: $0.key, value: $0.value) }
    }

    static func < (left: MetricLabels, right: MetricLabels) -> Bool {
        left.labels.lexicographicallyPrecedes(right.labels) { ($0.name, $0.value) < ($1.name, $1.value) }
    }
}

/// Where the value of a series comes from.
enum MetricSeries: Sendable {
    case counter(CounterValue)
    case sum(SumValue)
    case gauge(GaugeValue)
    case observed(@Sendable () -> Double)
    case histogram(HistogramValue)

    /// The object that was handed out for it.
    var handler: AnyObject? {
        switch self {
        case .counter(let value): value
        case .sum(let value): value
        case .gauge(let value): value
        case .histogram(let value): value
        case .observed: nil
        }
    }
}
