import Content
import HTTPTypes
import NodeConfig
import Testing

@testable import ContentProxy

@Suite struct ForwardRuleTests {
    private struct Rules: Configurable {
        var rules: [ForwardRule] = []

        mutating func bind(_ fields: inout ConfigFields) throws(ConfigError) {
            try fields.sections("proxies", &rules) { ForwardRule() }
        }
    }

    private func rules(_ text: String) throws(ConfigError) -> [ForwardRule] {
        var rules = Rules()
        try ConfigFile.parse(text: "proxies:\n\(text)", file: "x.yml", into: &rules)
        return rules.rules
    }

    @Test(
        "The first rule that is found anywhere in the URL counts",
        arguments: [
            ("http://a/v2/x/blobs/sha256:1", 0), ("http://some-registry/x", 1), ("http://no-proxy-reg/x?y=1", 2),
            ("http://some-registry/blobs/sha256", 0), ("http://other/", nil), ("http://h/?q=some-registry/", 1),
        ] as [(String, Int?)]
    )
    func firstMatch(url: String, expected: Int?) throws {
        let rules = try rules(
            """
            - regx: blobs/sha256.*
            - {regx: some-registry/, use_https: true}
            - {regx: no-proxy-reg, direct: true}
            """
        )
        let found = rules.first(for: try #require(ResourceURL(url)))
        #expect(found?.pattern?.text == expected.map { rules[$0].pattern?.text ?? "" })
    }

    @Test(
        "Where a rule sends requests",
        arguments: [
            ("use_https: true", "http://h/p?q", "https://h/p?q"),
            ("use_https: true", "http://h:8080/p", "https://h:8080/p"),
            ("redirect: other", "http://h:8080/p?q=1", "http://other/p?q=1"),
            ("redirect: 'other:81'", "http://h/", "http://other:81/"),
            ("{redirect: '[::1]:81', use_https: true}", "http://h/", "https://[::1]:81/"),
            ("direct: true", "http://h/a%20b", "http://h/a%20b"),
        ]
    )
    func targets(keys: String, url: String, expected: String) throws {
        let inner = keys.hasPrefix("{") ? String(keys.dropFirst().dropLast()) : keys
        let rule = try #require(try rules("- {regx: h, \(inner)}").first)
        #expect(rule.target(of: try #require(ResourceURL(url))).text == expected)
    }

    @Test(
        "A mistake is refused with file and line",
        arguments: [
            ("- regx: '('", "x.yml:2: 'regx' in 'proxies[0]' must be a regular expression"),
            ("- direct: true", "x.yml:2: 'regx' in 'proxies[0]' must be given"),
            ("- {regx: a, redirect: 'http://b/'}", "x.yml:2: 'redirect'"),
            ("- regx: a\n- {regx: b, freshnes: 1h}", "x.yml:3: unknown key 'freshnes'"),
        ]
    )
    func mistakes(text: String, expected: String) {
        let error = #expect(throws: ConfigError.self) { try rules(text) }
        #expect(error?.description.hasPrefix(expected) == true, "\(String(describing: error))")
    }

    @Test("A proxy knows a message that has been there, and the swarm's own")
    func via() throws {
        let via = Via()
        let name = try #require(HTTPField.Name("Via"))
        func fields(_ values: String...) -> HTTPFields {
            var fields: HTTPFields = [:]
            for value in values { fields.append(HTTPField(name: name, value: value)) }
            return fields
        }
        #expect(via.isLoop(fields("1.0 fred", "1.1 b, \(via.value()) (x)")))
        #expect(!via.isLoop(fields("1.1 \(Via().pseudonym)", "nonsense")))
        #expect(Via.isSwarm(fields("1.1 darter")))
        #expect(!Via.isSwarm(fields(via.value())))
        #expect(!via.isLoop([:]))
    }
}
