import CoreMetrics
import HTTPService
import Testing

@Suite struct PrometheusTests {
    @Test func writesEveryKindOfMetric() {
        let registry = PrometheusRegistry(buckets: ["wait_seconds": [1, 0.5]])
        registry.describe("jobs_total", "Jobs done.\nBack\\slash")
        Counter(label: "jobs_total", dimensions: [("kind", "b")], factory: registry).increment(by: 3)
        Counter(label: "jobs_total", dimensions: [("kind", "a")], factory: registry).increment()
        Counter(label: "jobs_total", dimensions: [("kind", "a")], factory: registry).increment()
        FloatingPointCounter(label: "cost_total", factory: registry).increment(by: 0.25)
        let meter = Meter(label: "depth", factory: registry)
        meter.set(5)
        meter.decrement(by: 1.5)
        Gauge(label: "heat", factory: registry).record(-2)
        registry.gauge("free_bytes", [("disk", "x")], help: "Free.") { 12_345_678_901 }
        let timer = Timer(label: "wait_seconds", factory: registry)
        timer.recordMilliseconds(500)
        timer.recordMilliseconds(501)
        timer.recordSeconds(7)
        #expect(
            registry.exposition() == """
                # TYPE cost_total counter
                cost_total 0.25
                # TYPE depth gauge
                depth 3.5
                # HELP free_bytes Free.
                # TYPE free_bytes gauge
                free_bytes{disk="x"} 12345678901
                # TYPE heat gauge
                heat -2
                # HELP jobs_total Jobs done.\\nBack\\\\slash
                # TYPE jobs_total counter
                jobs_total{kind="a"} 2
                jobs_total{kind="b"} 3
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.5"} 1
                wait_seconds_bucket{le="1"} 2
                wait_seconds_bucket{le="+Inf"} 3
                wait_seconds_sum 8.001
                wait_seconds_count 3
                # HELP metrics_series_dropped_total Series that did not fit or contradicted another metric.
                # TYPE metrics_series_dropped_total counter
                metrics_series_dropped_total 0

                """
        )
    }

    @Test(arguments: [
        ("a\\b", #"m{l="a\\b"} 1"#), ("a\"b", #"m{l="a\"b"} 1"#), ("a\nb", #"m{l="a\nb"} 1"#), ("é", #"m{l="é"} 1"#),
        ("a\r\nb", "m{l=\"a\r\\nb\"} 1"),
    ])
    func escapesLabelValues(value: String, line: String) {
        let registry = PrometheusRegistry()
        Counter(label: "m", dimensions: [("l", value)], factory: registry).increment()
        #expect(registry.exposition().contains("\n" + line + "\n"))
    }

    @Test(arguments: [
        ("9a-b.c", "le", "_9a_b_c{exported_le=\"1\"} 1"), ("a:b", "x:y", "a:b{x_y=\"1\"} 1"),
        ("ä", "__name__", "_{exported___name__=\"1\"} 1"),
    ])
    func makesNamesFit(name: String, label: String, line: String) {
        let registry = PrometheusRegistry()
        Counter(label: name, dimensions: [(label, "1")], factory: registry).increment()
        #expect(registry.exposition().contains("\n" + line + "\n"))
    }

    @Test(arguments: [(Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"), (0.1, "0.1")])
    func writesNumbersAsPrometheusReadsThem(value: Double, text: String) {
        let registry = PrometheusRegistry()
        registry.gauge("m", help: "h") { value }
        #expect(registry.exposition().contains("\nm \(text)\n"))
    }

    @Test func boundsTheSeriesOfAMetric() {
        let registry = PrometheusRegistry(maximumSeries: 10)
        for number in 0..<100 {
            Counter(label: "m", dimensions: [("l", "\(number)")], factory: registry).increment()
        }
        let lines = registry.exposition().split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("m{") }.count == 10)
        #expect(lines.contains("metrics_series_dropped_total 90"))
    }

    @Test func oneNameHasOneType() {
        let registry = PrometheusRegistry()
        Counter(label: "m", factory: registry).increment()
        Meter(label: "m", factory: registry).set(7)
        #expect(registry.exposition().contains("# TYPE m counter\nm 1\n"))
        #expect(registry.exposition().contains("metrics_series_dropped_total 1"))
    }

    @Test func forgetsWhatIsDestroyed() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "m", factory: registry)
        counter.increment()
        counter.destroy()
        #expect(!registry.exposition().contains("m 1"))
    }

    @Test func countsFromManyTasks() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for number in 0..<1000 {
                        Counter(label: "m", factory: registry).increment()
                        Timer(label: "t", factory: registry).recordNanoseconds(Int64(number))
                    }
                }
            }
        }
        let text = registry.exposition()
        #expect(text.contains("\nm 8000\n"))
        #expect(text.contains("\nt_count 8000\n"))
    }
}
