import Content
import TestSupport
import Testing

@Suite struct ByteRangeTests {
    @Test("A range is never negative, and its end never overflows")
    func bounds() {
        #expect(ByteRange(offset: -1, count: 1) == nil)
        #expect(ByteRange(offset: 0, count: -1) == nil)
        #expect(ByteRange(offset: .max, count: 1) == nil)
        #expect(ByteRange(offset: 1, count: .max) == nil)
        #expect(ByteRange(offset: .min, count: .min) == nil)
        #expect(ByteRange(offset: .max, count: 0)?.isEmpty == true)
        #expect(ByteRange(offset: 0, count: .max)?.end == .max)
    }

    @Test("Intersection and containment are those of sets of bytes")
    func sets() throws {
        var generator = SeededGenerator(seed: 3)
        func random() throws -> ByteRange {
            try #require(
                ByteRange(
                    offset: .random(in: 0...20, using: &generator),
                    count: .random(in: 0...20, using: &generator)
                )
            )
        }
        func bytes(_ range: ByteRange) -> Set<Int64> { Set(range.offset..<range.end) }
        for _ in 0..<2000 {
            let (left, right) = (try random(), try random())
            #expect(bytes(left.intersection(right)) == bytes(left).intersection(bytes(right)))
            #expect(left.contains(right) == bytes(right).isSubset(of: bytes(left)))
            #expect(left.isEmpty == bytes(left).isEmpty)
        }
    }

    @Test("A range prints as in a Range header")
    func text() {
        #expect(ByteRange(length: 10).description == "0-9")
        #expect(ByteRange(5..<6).description == "5-5")
        #expect(ByteRange(5..<5).description == "5-(empty)")
    }
}

@Suite struct RangeHeaderTests {
    @Test(
        "Single ranges (RFC 9110, 14.2)",
        arguments: [
            ("bytes=0-499", .closed(first: 0, last: 499)),
            ("bytes=9500-", .from(9500)),
            ("bytes=-500", .suffix(500)),
            ("bytes=-0", .suffix(0)),
            ("BYTES=0-0", .closed(first: 0, last: 0)),
            ("bytes= 0-1", .closed(first: 0, last: 1)),
            ("bytes=0-1 ", .closed(first: 0, last: 1)),
            ("bytes=007-008", .closed(first: 7, last: 8)),
            ("bytes=0-99999999999999999999", .closed(first: 0, last: .max - 1)),
            ("bytes=0-9223372036854775807", .closed(first: 0, last: .max)),
            ("bytes=99999999999999999999-", .from(.max - 1)),
            ("bytes=-99999999999999999999", .suffix(.max - 1)),
        ] as [(String, RangeHeader)]
    )
    func parsed(text: String, expected: RangeHeader) {
        #expect(RangeHeader(text) == expected)
    }

    @Test(
        "What is malformed, of another unit or several ranges is ignored",
        arguments: [
            "", "bytes", "bytes=", "bytes=-", "bytes=--1", "bytes=1", "bytes=2-1", "bytes=a-b", "bytes=0-1,3-4",
            "bytes=0-1-2", "bytes=+0-1", "bytes=-+1", "bytes=0x1-2", "bytes=1.0-2", "items=0-1", "bytes 0-1",
            "bytes=0-1;q=1", "bytes=\u{0661}-\u{0662}", "bytes=\u{FF10}-1", "bytes=1\u{0301}-2", "=0-1",
            "bytes=1 0-20", "bytes=0 - 1", "by tes=0-1", "bytes=0-1 2", "bytes=0\u{00A0}-1", "bytes=0-1\0",
            "bytes=0-\n1",
        ]
    )
    func ignored(text: String) {
        #expect(RangeHeader(text) == nil)
    }

    @Test(
        "What a range means in content of some length",
        arguments: [
            (.closed(first: 0, last: 4), 10, .partial(ByteRange(0..<5))),
            (.closed(first: 5, last: 100), 10, .partial(ByteRange(5..<10))),
            (.closed(first: 9, last: 9), 10, .partial(ByteRange(9..<10))),
            (.closed(first: 10, last: 10), 10, .unsatisfiable),
            (.closed(first: 0, last: 0), 0, .unsatisfiable),
            (.closed(first: 0, last: .max), 10, .partial(ByteRange(0..<10))),
            (.closed(first: .max, last: .max), 10, .unsatisfiable),
            (.closed(first: .max - 1, last: .max), .max, .partial(ByteRange((.max - 1)..<(.max)))),
            (.from(0), 10, .partial(ByteRange(0..<10))),
            (.from(10), 10, .unsatisfiable),
            (.from(0), 0, .unsatisfiable),
            (.from(.max), .max, .unsatisfiable),
            (.suffix(3), 10, .partial(ByteRange(7..<10))),
            (.suffix(100), 10, .partial(ByteRange(0..<10))),
            (.suffix(.max), .max, .partial(ByteRange(length: .max))),
            (.suffix(0), 10, .unsatisfiable),
            (.suffix(1), 0, .unsatisfiable),
        ] as [(RangeHeader, Int64, RangeHeader.Resolution)]
    )
    func resolved(range: RangeHeader, length: Int64, expected: RangeHeader.Resolution) {
        #expect(range.resolve(length: length) == expected)
    }
}

@Suite struct ContentRangeTests {
    @Test(
        "Valid fields are read and written alike",
        arguments: [
            "bytes 0-499/1234", "bytes 0-0/1", "bytes 734-1233/*", "bytes */1234", "bytes */0",
            "bytes 0-9223372036854775805/9223372036854775806",
        ]
    )
    func roundTrip(text: String) {
        #expect(ContentRange(text)?.description == text)
    }

    @Test(
        "Whatever contradicts itself is refused (RFC 9110, 14.4)",
        arguments: [
            "", "bytes", "bytes ", "bytes */*", "bytes 0-5", "bytes 5-0/10", "bytes 0-10/10", "bytes 0-0/0",
            "bytes 0-1/2/3", "bytes 0-1-2/3", "bytes -1/3", "bytes 0-/3", "items 0-1/3", "bytes=0-1/3", "bytes +0-1/3",
            "bytes 0-1/-3", "bytes 0-1/x", "bytes x-1/3", "bytes 0-9223372036854775807/*",
            "bytes 0-99999999999999999999/*", "bytes 0-1/99999999999999999999", "bytes */99999999999999999999",
            "bytes \u{0660}-1/3", "bytes 0-1/3 x",
        ]
    )
    func refused(text: String) {
        #expect(ContentRange(text) == nil)
    }
}
