import Testing

@testable import RuntimeSetup

@Suite struct DaemonJSONTests {
    private static let ours = "\"http://127.0.0.1:65001\""

    /// Shapes of daemon.json, and what becomes of them.
    static let shapes: [(String, String)] = [
        ("", "{\n  \"registry-mirrors\": [\(ours)]\n}\n"),
        (" \n", "{\n  \"registry-mirrors\": [\(ours)]\n}\n"),
        ("{}", "{\n  \"registry-mirrors\": [\(ours)]\n}"),
        ("{\"debug\": true}", "{\"debug\": true, \"registry-mirrors\": [\(ours)]}"),
        (
            "{\n    \"debug\" : true,\n    \"dns\": [ \"1.1.1.1\" ]\n}\n",
            "{\n    \"debug\" : true,\n    \"dns\": [ \"1.1.1.1\" ],\n    \"registry-mirrors\": [\(ours)]\n}\n"
        ),
        (
            "{\r\n\t\"a\": {\"b\": [1, -2.5e3, null]}\r\n}",
            "{\r\n\t\"a\": {\"b\": [1, -2.5e3, null]},\r\n\t\"registry-mirrors\": [\(ours)]\r\n}"
        ),
        ("{\"registry-mirrors\": [ ], \"z\": 1}", "{\"registry-mirrors\": [\(ours)], \"z\": 1}"),
        ("{\"registry-mirrors\": [\"https://m\"]}", "{\"registry-mirrors\": [\(ours), \"https://m\"]}"),
        (
            "{\n  \"registry-mirrors\": [\n    \"https://m\",\n    \"https://n\"\n  ]\n}\n",
            "{\n  \"registry-mirrors\": [\n    \(ours),\n    \"https://m\",\n    \"https://n\"\n  ]\n}\n"
        ),
        (
            "{\"registry-mirrors\": [\"https://m\", \"http://127.0.0.1:65001/\"]}",
            "{\"registry-mirrors\": [\(ours), \"https://m\"]}"
        ),
        ("{\"registry\\u002dmirrors\": []}", "{\"registry\\u002dmirrors\": [\(ours)]}"),
    ]

    @Test("The mirror becomes the first one, and all else stays", arguments: shapes)
    func configured(text: String, expected: String) throws {
        let once = try DaemonJSON.configured(text, mirror: .usual)
        #expect(once.utf8.elementsEqual(expected.utf8), "\(once.debugDescription)")
        #expect(try DaemonJSON.configured(once, mirror: .usual) == once)
        #expect(DaemonJSON.names(.usual, once))
    }

    @Test(
        "Taken out of a file that was changed since, the mirror leaves the rest as it was",
        arguments: [
            "{\"debug\": true}", "{\n  \"a\": 1,\n  \"b\": 2\n}\n", "{\"registry-mirrors\": [\"https://m\"]}",
            "{\"registry-mirrors\": []}", "{\n  \"registry-mirrors\": [\n    \"https://m\"\n  ],\n  \"b\": 2\n}\n",
        ]
    )
    func restored(original: String) throws {
        let configured = try DaemonJSON.configured(original, mirror: .usual)
        #expect(try DaemonJSON.restored(configured, original: original, mirror: .usual) == original)
        let more = try DaemonJSON.configured(configured, mirror: #require(MirrorAddress("http://127.0.0.1:7")))
        let rest = try DaemonJSON.restored(more, original: original, mirror: .usual)
        #expect(!rest.contains("65001") && rest.contains("\"http://127.0.0.1:7\""))
        #expect(throws: Never.self) { try JSONObjectText(rest) }
    }

    @Test(
        "What dockerd would not read, or has no list where one belongs, is refused",
        arguments: [
            "[]", "{", "{\"a\" 1}", "{\"a\": 1,}", "{} {}", "// c\n{}", "{\"registry-mirrors\": \"https://m\"}",
            "{\"registry-mirrors\": null}", "{\"registry-mirrors\": [1]}", "{\"a\": nope}", "{\"a\": \"\\x\"}",
            "{'a': 1}",
            "{\"registry-mirrors\": [], \"registry-mirrors\": []}", "{\"a\": \"x", "\u{FEFF}{}", "{\"a\": [1 2]}",
        ]
    )
    func refused(text: String) {
        #expect(throws: EditFault.self) { try DaemonJSON.configured(text, mirror: .usual) }
    }

    @Test("Deep nesting ends in an answer")
    func deep() {
        let text = "{\"a\": " + String(repeating: "[", count: 100_000)
        #expect(throws: EditFault.self) { try DaemonJSON.configured(text, mirror: .usual) }
    }
}
