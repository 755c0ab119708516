package import CoreMetrics
import Synchronization

/// Keeps the process's metrics for a Prometheus server to read.
///
/// Counters become counters, meters and non-aggregating recorders gauges, timers (in seconds) and aggregating recorders
/// histograms. The number of series of a metric is bounded, so that a label under a client's control can not fill the
/// memory; what does not fit is counted in `metrics_series_dropped_total`.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    struct State {
        var families: [String: MetricFamily] = [:]
        var help: [String: String] = [:]
        var dropped: Int64 = 0
    }

    private let maximumSeries: Int
    private let buckets: [String: [Double]]
    private let state: Mutex<State>

    /// Upper bounds of the buckets of a histogram that has none of its own: seconds from 1 ms to 1 min.
    package static let defaultBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    /// An empty registry; `buckets` gives the upper bounds of single histograms by name.
    package init(buckets: [String: [Double]] = [:], maximumSeries: Int = 1000) {
        self.buckets = buckets.mapValues { $0.filter(\.isFinite).sorted() }
        self.maximumSeries = maximumSeries
        state = Mutex(State())
    }

    /// Says what a metric means.
    package func describe(_ name: String, _ help: String) {
        state.withLock { $0.help[PrometheusText.metricName(name)] = help }
    }

    /// Has a gauge read when the metrics are asked for, instead of set at every change.
    package func gauge(
        _ name: String,
        _ labels: [(String, String)] = [],
        help: String,
        read: @escaping @Sendable () -> Double
    ) {
        describe(name, help)
        _ = series(name, labels, .gauge) { .observed(read) }
    }

    /// All metrics in the text format, version 0.0.4.
    package func exposition() -> String {
        let (families, help, dropped) = state.withLock { ($0.families, $0.help, $0.dropped) }
        var text = PrometheusText()
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text.append(family, name: name, help: help[name])
        }
        text.append(dropped: dropped)
        return text.text
    }

    private func series(
        _ name: String,
        _ dimensions: [(String, String)],
        _ kind: MetricFamily.Kind,
        make: () -> MetricSeries
    ) -> MetricSeries? {
        let name = PrometheusText.metricName(name)
        let labels = MetricLabels(dimensions)
        return state.withLock { state in
            var family = state.families[name] ?? MetricFamily(kind: kind)
            if let known = family.series[labels], family.kind == kind { return known }
            guard family.kind == kind, family.series.count < maximumSeries else {
                state.dropped += 1
                return nil
            }
            let series = make()
            family.series[labels] = series
            state.families[name] = family
            return series
        }
    }

    private func remove(_ handler: AnyObject) {
        state.withLock { state in
            for (name, family) in state.families {
                guard let labels = family.series.first(where: { $0.value.handler === handler })?.key else { continue }
                state.families[name]?.series[labels] = nil
                if state.families[name]?.series.isEmpty == true { state.families[name] = nil }
            }
        }
    }
}

extension PrometheusRegistry {
    /// A counter.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        guard case .counter(let counter) = series(label, dimensions, .counter, make: { .counter(CounterValue()) })
        else {
            return NOOPMetricsHandler.instance
        }
        return counter
    }

    /// A counter of fractions.
    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let made = series(label, dimensions, .counter) { .sum(SumValue()) }
        guard case .sum(let sum) = made else { return NOOPMetricsHandler.instance }
        return sum
    }

    /// A gauge.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        guard case .gauge(let gauge) = series(label, dimensions, .gauge, make: { .gauge(GaugeValue()) }) else {
            return NOOPMetricsHandler.instance
        }
        return gauge
    }

    /// A histogram, or a gauge where values are not aggregated.
    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else {
            guard case .gauge(let gauge) = series(label, dimensions, .gauge, make: { .gauge(GaugeValue()) }) else {
                return NOOPMetricsHandler.instance
            }
            return gauge
        }
        return histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// A histogram in seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions) ?? NOOPMetricsHandler.instance
    }

    /// Forgets a counter.
    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    /// Forgets a counter of fractions.
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    /// Forgets a gauge.
    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    /// Forgets a histogram or gauge.
    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    /// Forgets a histogram.
    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramValue? {
        let bounds = buckets[label] ?? Self.defaultBuckets
        let made = series(label, dimensions, .histogram) { .histogram(HistogramValue(bounds: bounds)) }
        guard case .histogram(let histogram) = made else { return nil }
        return histogram
    }
}
