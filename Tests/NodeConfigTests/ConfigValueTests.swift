import Content
import NodeConfig
import Testing

@Suite struct ConfigValueTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("512k", 524_288), ("1g", 1_073_741_824), ("1G", 1_073_741_824), ("10M", 10_485_760),
            ("2T", 2_199_023_255_552), ("64MiB", 67_108_864), ("64Mi", 67_108_864), ("8KiB", 8192),
            ("200MB", 200_000_000),
            ("1kB", 1000), ("7B", 7), ("1.5G", 1_610_612_736), ("0.5kB", 500), ("1.001MB", 1_001_000),
            ("9223372036854775807", Int64.max), ("7PiB", 7_881_299_347_898_368),
        ] as [(String, Int64)]
    )
    func readsSizes(text: String, bytes: Int64) throws {
        let count = try #require(ByteCount(configText: text))
        #expect(count.bytes == bytes)
        #expect(ByteCount(configText: count.configText) == count)
    }

    @Test(arguments: [
        "", " ", "-1", "+1", "1 M", " 1", "1 ", "M", "MB", "1X", "1MX", "1Mb", "1mb", "1iB", "1.", ".5M", "1.5",
        "1..5M",
        "1.5.5M", "1.5555M", "9223372036854775808", "8192P", "9999999999999999999999999999", "9007199254740992k",
        "٣M", "１M", "1e3", "0x10", "1\u{0}", "1M\n", "NaN", "inf", "1Ｍ", "1M\u{301}",
    ])
    func refusesWhatIsNoSize(text: String) {
        #expect(ByteCount(configText: text) == nil)
        #expect(Rate(configText: text) == nil)
    }

    @Test(
        arguments: [
            (67_108_864, "64MiB"), (200_000_000, "200MB"), (1000, "1kB"), (1_073_741_824, "1GiB"), (1025, "1025"),
        ] as [(Int64, String)]
    )
    func writesSizesInTheShortestExactWay(bytes: Int64, text: String) {
        #expect(ByteCount(bytes: bytes).configText == text)
    }

    @Test(
        arguments: [
            ("unlimited", nil), ("0", nil), ("0/s", nil), ("20MB/s", 20_000_000), ("10M", 10_485_760),
            ("512k/s", 524_288),
        ] as [(String, Int64?)]
    )
    func readsRates(text: String, bytes: Int64?) throws {
        let rate = try #require(Rate(configText: text))
        #expect(rate.bytesPerSecond == bytes)
        #expect(Rate(configText: rate.configText) == rate)
    }

    @Test(arguments: ["/s", "10M/", "10M/m", "10M/s/s", "Unlimited", "-1/s", "1 /s"])
    func refusesWhatIsNoRate(text: String) {
        #expect(Rate(configText: text) == nil)
    }

    @Test(
        arguments: [
            ("0", .zero), ("0s", .zero), ("500ms", .milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)),
            ("1h30m", .seconds(5400)), ("2d", .seconds(172_800)), ("1d2h3m4s5ms", .milliseconds(93_784_005)),
            ("90s", .seconds(90)), ("3us", .microseconds(3)), ("9ns", .nanoseconds(9)),
        ] as [(String, Duration)]
    )
    func readsDurations(text: String, duration: Duration) throws {
        #expect(Duration(configText: text) == duration)
        #expect(Duration(configText: duration.configText) == duration)
    }

    @Test(arguments: [
        "", "30", "s", "-5s", "+5s", "5 s", " 5s", "5s ", "5sec", "5S", "1m1h", "1h1h", "5s5", "1.5h", "٣s", "５s",
        "9223372036854775807d", "99999999999999999999s", "106752d", "5m\u{301}", "5\u{0}s", "1h-3m",
    ])
    func refusesWhatIsNoDuration(text: String) {
        #expect(Duration(configText: text) == nil)
    }

    @Test(arguments: [Duration.seconds(-5), .seconds(Int64.max), .seconds(Int64.min), .nanoseconds(Int64.max)])
    func writesEveryDurationSoThatItReads(duration: Duration) {
        #expect(Duration(configText: duration.configText) != nil)
    }

    @Test(arguments: [
        "", "-", "+1", "01", "-01", "1_000", "0x1", "1.0", " 1", "9223372036854775808", "٣", "--1", "1e3",
    ])
    func refusesWhatIsNoInteger(text: String) {
        #expect(Int(configText: text) == nil)
    }

    @Test(arguments: ["", "-", "nan", "inf", "0x1p3", "1.", ".5", "1e999", "1 ", "1,5", "--1", "1-1", "٣"])
    func refusesWhatIsNoNumber(text: String) {
        #expect(Double(configText: text) == nil)
    }

    @Test func readsNumbers() {
        #expect(Int(configText: "0") == 0)
        #expect(Int(configText: "-9223372036854775808") == .min)
        #expect(Double(configText: "-1.5e3") == -1500)
        #expect(Double(configText: "10") == 10)
    }

    @Test(arguments: ["yes", "True", "1", "", "on", "FALSE"])
    func refusesWhatIsNoTruth(text: String) {
        #expect(Bool(configText: text) == nil)
    }

    @Test func neverShowsASecret() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        #expect(!"\(secret) \(secret.debugDescription) \(secret.configText) \(dumped) \([secret])".contains("hunter2"))
        #expect(secret.reveal() == "hunter2")
        #expect(Secret(configText: secret.configText) == nil, "a printed configuration must not become a password")
    }
}
