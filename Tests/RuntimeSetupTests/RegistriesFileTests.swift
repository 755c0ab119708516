import Testing

@testable import RuntimeSetup

@Suite struct RegistriesFileTests {
    private func names(_ names: [String]) throws -> [RegistryName] { try names.map { try #require(RegistryName($0)) } }

    private func configured(
        _ text: String?,
        _ registries: [String],
        others: [String] = [],
        mirror: MirrorAddress = .usual
    ) throws -> RegistriesFile.Edit {
        try RegistriesFile.configured(
            text,
            registries: names(registries),
            mirror: mirror,
            others: others.enumerated().map { .init(path: "/\($0.offset).conf", text: $0.element) }
        )
    }

    @Test("Each registry gets an entry whose first mirror is dfdaemon, by path")
    func entries() throws {
        let once = try configured(nil, ["docker.io", "quay.io"]).text
        let entries = try RegistriesFile.entries(once)
        #expect(entries.map(\.scope) == ["docker.io", "quay.io"])
        #expect(entries.map(\.location) == ["docker.io", "quay.io"])
        #expect(entries.map(\.mirrors) == [["127.0.0.1:65001/docker.io"], ["127.0.0.1:65001/quay.io"]])
        #expect(once.split(separator: "\n").filter { $0 == "insecure = true" }.count == 2)
        #expect(try configured(once, ["quay.io", "docker.io"]).text == once)
        let more = try configured(once + "# mine\n", ["ghcr.io"]).text
        #expect(more.hasPrefix(once + "# mine\n"))
        #expect(RegistriesFile.registries(through: .usual, more) == (try names(["docker.io", "quay.io", "ghcr.io"])))
    }

    @Test("A mirror with TLS is not insecure")
    func encrypted() throws {
        let text = try configured(nil, ["quay.io"], mirror: #require(MirrorAddress("https://127.0.0.1:65001"))).text
        #expect(!text.contains("insecure"))
    }

    @Test(
        "Two entries for the same images would undo each other: refused, with what to write",
        arguments: [
            "[[registry]]\nprefix = \"quay.io\"\nblocked = true\n", "[[registry]]\nlocation = 'quay.io'\n",
            "unqualified-search-registries = []\n[[registry]]\nlocation = 'x'\n[[registry]]\nprefix = 'quay.io'\nlocation = 'y'\n",
        ]
    )
    func conflicts(other: String) {
        let error = #expect(throws: SetupError.self) { try configured(nil, ["quay.io"], others: [other]) }
        #expect(error?.description.contains("127.0.0.1:65001/quay.io") == true, "\(String(describing: error))")
        #expect(throws: Never.self) { try configured(nil, ["docker.io"], others: [other]) }
    }

    @Test("Where another file has the mirror already, nothing is added; parts of a registry with their own are told")
    func others() throws {
        let byHand = try configured(nil, ["quay.io"]).text
        #expect(try !configured(nil, ["quay.io"], others: [byHand]).text.contains("[["))
        let part = "[[registry]]\nprefix = 'quay.io/org'\nlocation = 'elsewhere'\n"
        #expect(try configured(nil, ["quay.io"], others: [part]).notes.count == 1)
    }

    @Test(
        "Old, other and malformed ways of writing it are refused",
        arguments: [
            "[registries.search]\nregistries = ['docker.io']\n", "registry = []\n", "[registry]\n",
            "[[registry]]\nlocation = 'x'\nmirror = [{location = 'y'}]\n", "[[registry]\n",
        ]
    )
    func refused(other: String) {
        #expect(throws: SetupError.self) { try configured(nil, ["quay.io"], others: [other]) }
    }

    @Test("A registry with a port can not be written as a path, which is said")
    func ports() {
        let error = #expect(throws: SetupError.self) { try configured(nil, ["r.example:5000"]) }
        #expect(error?.description.contains("registry_mirror.registries") == true)
    }

    @Test(
        "Names of registries",
        arguments: [
            ("quay.io", "quay.io"), ("QUAY.io", "quay.io"), ("registry-1.docker.io", "docker.io"), ("r:5000", "r:5000"),
            ("quay.io/org", nil), ("https://quay.io", nil), ("", nil), ("_default", nil), ("../x", nil), ("a b", nil),
            ("r:", nil),
            (".", nil), ("..", nil), ("r:x", nil), ("*.example.com", nil),
        ] as [(String, String?)]
    )
    func registryNames(text: String, expected: String?) { #expect(RegistryName(text)?.text == expected) }
}
