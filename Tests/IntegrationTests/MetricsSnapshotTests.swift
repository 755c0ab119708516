import TestSupport
import Testing

@Suite struct MetricsSnapshotTests {
    private let snapshot = MetricsSnapshot(
        text: #"""
            # HELP darter_received_bytes_total Bytes received.
            # TYPE darter_received_bytes_total counter
            darter_received_bytes_total{from="origin",kind="a\"b\\,}"} 10
            darter_received_bytes_total{from="origin",kind="other"} 2.5
            darter_received_bytes_total{from="peer"} 1e3 1700000000000
            darter_up 1
            not a sample
            """#
    )

    @Test func sumsWhatHasTheLabels() {
        #expect(snapshot.value("darter_received_bytes_total", ["from": "origin"]) == 12.5)
        #expect(snapshot.value("darter_received_bytes_total", ["kind": #"a"b\,}"#]) == 10)
        #expect(snapshot.value("darter_received_bytes_total", ["from": "peer"]) == 1000)
        #expect(snapshot.value("darter_received_bytes_total") == 1012.5)
        #expect(snapshot.value("darter_up") == 1)
    }

    @Test func whatIsNotThereIsNil() {
        #expect(snapshot.value("darter_received_bytes_total", ["from": "supernode"]) == nil)
        #expect(snapshot.value("no_such_metric") == nil)
    }
}
