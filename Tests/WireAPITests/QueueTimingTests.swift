import Content
import Testing

@testable import WireAPI

@Suite struct QueueTimingTests {
    @Test(arguments: [0, 1, 999, 1000, 1_234_567])
    func told(microseconds: Int) {
        let fields: HeaderFields = [QueueTiming.field: QueueTiming.value(.microseconds(microseconds))]
        #expect(QueueTiming.queued(fields) == .microseconds(microseconds))
    }

    @Test(arguments: [
        ("queue;dur=2.5", 2500), ("db;dur=7, queue;desc=x; dur=2", 2000), ("queue", 0), ("", 0), ("queue;dur=", 0),
        ("queue;dur=-3", 0), ("queue;dur=1e99", 0), ("queue;dur=nan", 0), ("queue;dur=x, queue;dur=4", 4000),
        (";;,;", 0),
        ("other;dur=5", 0),
    ])
    func read(value: String, microseconds: Int) {
        #expect(QueueTiming.queued([QueueTiming.field: value]) == .microseconds(microseconds))
    }
}
