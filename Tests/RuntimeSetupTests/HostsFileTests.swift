import Testing

@testable import RuntimeSetup

@Suite struct HostsFileTests {
    static let ours = "[host.\"http://127.0.0.1:65001\"]\n  capabilities = [\"pull\", \"resolve\"]\n"

    private static let shapes: [(String, String)] = [
        ("", ours),
        ("# mine\n", "# mine\n\n" + ours),
        ("server = \"https://r\"", "server = \"https://r\"\n\n" + ours),
        (
            "server = \"https://r\"\n\n# the other\n[host.\"https://m\"]\n  skip_verify = true\n",
            "server = \"https://r\"\n\n" + ours + "\n# the other\n[host.\"https://m\"]\n  skip_verify = true\n"
        ),
        ("ca = '/x'\r\n[host.'https://m']\r\n", "ca = '/x'\r\n" + ours.crlf + "\r\n[host.'https://m']\r\n"),
        // Ours was the second: it moves with what it says.
        (
            "[host.\"https://m\"]\n\n[host.\"http://127.0.0.1:65001/\"]\n  ca = \"/c\"\n  [host.\"http://127.0.0.1:65001/\".header]\n    x = \"y\"",
            "[host.\"http://127.0.0.1:65001/\"]\n  ca = \"/c\"\n  [host.\"http://127.0.0.1:65001/\".header]\n    x = \"y\"\n\n[host.\"https://m\"]\n"
        ),
    ]

    @Test(
        "The mirror becomes the first host, and all else stays",
        arguments: shapes
    )
    func configured(text: String, expected: String) throws {
        let once = try HostsFile.configured(text, registry: nil, mirror: .usual)
        #expect(once.utf8.elementsEqual(expected.utf8), "\(once.debugDescription)")
        let again = try HostsFile.configured(once, registry: nil, mirror: .usual)
        #expect(again == once)
        #expect(HostsFile.names(.usual, once))
    }

    @Test(
        "Where there is none, the file says where the registry itself is, if that is known",
        arguments: [
            (nil, nil), ("docker.io", "https://registry-1.docker.io"), ("Quay.io", "https://quay.io"),
            ("r.example:5000", "https://r.example:5000"), ("localhost:5000", nil), ("127.0.0.1:5000", nil),
        ] as [(String?, String?)]
    )
    func fresh(name: String?, server: String?) throws {
        let registry = name.flatMap { RegistryName($0) }
        #expect((registry == nil) == (name == nil))
        let text = try HostsFile.configured(nil, registry: registry, mirror: .usual)
        #expect(text.contains("server") == (server != nil))
        #expect(server.map { text.contains("\nserver = \"\($0)\"\n") } ?? true, "\(text)")
        #expect(text.hasSuffix(Self.ours))
    }

    @Test(
        "What can not be edited without a risk is refused",
        arguments: [
            "host = {}", "[host]\n\"https://m\".ca = 'x'", "host.\"https://m\".ca = 'x'", "[[host.x]]", "server = ",
            ours + ours,
        ]
    )
    func refused(text: String) {
        #expect(throws: EditFault.self) { try HostsFile.configured(text, registry: nil, mirror: .usual) }
    }

    @Test("Taken out of a file that was changed since, the mirror leaves the rest as it was")
    func restored() throws {
        for original in ["", "server = \"https://r\"\n", "server = 's'\n# c\n[host.\"https://m\"]\n  ca = 'x'\n"] {
            let text = try HostsFile.configured(original, registry: nil, mirror: .usual)
            #expect(try HostsFile.restored(text, mirror: .usual) == original)
            let changed = "# new\n" + text + "[host.\"https://n\"]\n"
            let rest = try HostsFile.restored(changed, mirror: .usual)
            #expect(rest.hasPrefix("# new\n") && rest.hasSuffix("[host.\"https://n\"]\n") && !rest.contains("65001"))
        }
    }
}

extension String {
    /// With the line breaks of another system.
    var crlf: String { replacing("\n", with: "\r\n") }
}
