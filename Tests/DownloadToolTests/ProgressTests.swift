import Content
import DownloadTool
import Foundation
import Testing
import WireAPI

@Suite struct ProgressTests {
    @Test(
        "The line fits every width and says the most important first",
        arguments: [1, 2, 10, 20, 40, 60, 80, 132, 400]
    )
    func widths(width: Int) {
        let line = ProgressLine(
            name: "a-file-with-a-rather-long-name.iso",
            bytes: 300 << 20,
            length: 1 << 30,
            rate: 12_345_678,
            from: ByteOrigins(supernode: 100 << 20, peers: 200 << 20)
        )
        let text = line.text(width: width)
        #expect(text.count < width)
        if width >= 60 {
            #expect(text.contains("29%"))
            #expect(text.contains("11.7 MiB/s"))
        }
        if width >= 132 {
            #expect(text.contains("ETA 1:02"))
            #expect(text.contains("66% from peers"))
            #expect(text.contains("[==="))
        }
    }

    @Test("Without a length there is neither percentage nor bar; an empty file is done")
    func unknown() {
        let unknown = ProgressLine(name: "f", bytes: 2048, length: nil, rate: 0, from: ByteOrigins()).text(width: 80)
        #expect(unknown == "f  2.0 KiB  0 B/s")
        let empty = ProgressLine(name: "f", bytes: 0, length: 0, rate: 0, from: ByteOrigins()).text(width: 80)
        #expect(empty.contains("100%"))
    }

    @Test(arguments: [
        (Int64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (200 << 20, "200 MiB"),
        (Int64.max, "8192 PiB"),
    ])
    func sizes(bytes: Int64, text: String) { #expect(ProgressLine.size(bytes) == text) }

    @Test(arguments: [(0.0, "0:00"), (59.1, "1:00"), (3600, "1:00:00"), (1e30, "99:59:59")])
    func times(seconds: Double, text: String) { #expect(ProgressLine.time(seconds) == text) }

    @Test("The summary is one line of JSON that programs can rely on, or one for a person")
    func summary() throws {
        let summary = Summary(
            url: ResourceURL("https://u:p@host/a/b"),
            output: "b",
            bytes: 4 << 20,
            seconds: 2,
            digest: Digest.of("x"),
            task: TaskID(content: Digest.of("x")),
            from: ByteOrigins(origin: 0, supernode: 1 << 20, peers: 3 << 20)
        )
        #expect(!summary.json.contains("\n"))
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(summary.json.utf8)) as? [String: Any]
        )
        #expect(object["url"] as? String == "https://host/a/b")
        #expect(object["digest"] as? String == Digest.of("x").description)
        #expect((object["from"] as? [String: Int])?["peers"] == 3 << 20)
        #expect(summary.line == "b: 4.0 MiB in 2.00 s, 2.0 MiB/s (25% supernode, 75% peers)")
    }

    @Test("Too slow is who stays below the rate on average for the whole window, and nobody sooner")
    func speed() {
        let start = ContinuousClock.now
        var watch = SpeedWatch(minimum: 1000, over: .seconds(30), from: start)
        func tooSlow(_ bytes: Int64, after seconds: Int) -> Bool {
            watch.isTooSlow(bytes, at: start + .seconds(seconds))
        }
        #expect(!tooSlow(0, after: 1))
        #expect(!tooSlow(0, after: 29))
        #expect(!tooSlow(30_000, after: 30))
        // A burst long ago does not help.
        for second in 31...59 { #expect(!tooSlow(100_000, after: second)) }
        #expect(tooSlow(100_000, after: 62))
        // Whoever gets faster is fast enough again.
        #expect(!tooSlow(200_000, after: 63))
    }
}
