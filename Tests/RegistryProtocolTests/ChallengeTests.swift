import Content
import RegistryProtocol
import Testing

@Suite struct ChallengeTests {
    private func parse(_ values: String...) -> [Challenge] { Challenge.parse(values) }

    @Test func readsDockersChallenge() throws {
        let challenge = try #require(parse(bearer).first)
        #expect(challenge.scheme == "bearer")
        let wanted = try #require(BearerChallenge(challenge))
        #expect(wanted.realm.text == "https://auth.example.com/token")
        #expect(wanted.service == "reg")
        #expect(wanted.scopes == ["repository:lib/a:pull"])
    }

    @Test func readsSeveralInOneLine() {
        let expected = [
            Challenge(scheme: "basic", parameters: ["realm": "a, \"b\"", "charset": "UTF-8"]),
            Challenge(scheme: "negotiate"),
            Challenge(
                scheme: "bearer",
                parameters: ["realm": "x", "scope": "repository:a:pull,push repository:b:pull"]
            ),
            Challenge(scheme: "ntlm", token68: "TlRMTVNTUAACAAAA=="),
            Challenge(scheme: "digest", parameters: ["qop": "auth,auth-int", "stale": "false"]),
        ]
        let line =
            #"Basic realm="a, \"b\"", charset="UTF-8", Negotiate,BEARER Realm=x,scope="repository:a:pull,push repository:b:pull" "#
            + #", NTLM TlRMTVNTUAACAAAA==,,, Digest qop = "auth,auth-int" ,stale=false"#
        #expect(parse(line) == expected)
        #expect(parse(#"Basic realm="a, \"b\"", charset="UTF-8""#, "Negotiate") == Array(expected.prefix(2)))
    }

    @Test(arguments: [
        ("", 0), (",,,", 0), ("   ", 0), ("Bearer", 1), ("Bearer realm", 1), ("Bearer realm=", 1),
        ("Bearer realm=\"", 1), ("Bearer realm=\"x", 1),
        ("Bearer realm=\"x\\", 1), ("=", 0), ("\"x\"", 0), ("Bearer =x", 1),
        ("Bearer realm=x realm=y, Basic realm=z", 2), ("B@d x, Basic realm=a", 1),
        ("Bearer \u{0}", 1), ("é realm=x", 0), ("Bearer a=b=c", 1), ("Basic\trealm=x", 1), ("realm=\"x\"", 0),
        ("Basic, Basic", 2),
    ])
    func survivesAnything(line: String, count: Int) {
        #expect(parse(line).count == count, "\(parse(line))")
    }

    @Test func readsUnquotedURLs() {
        #expect(
            parse("Bearer realm=https://a/token,service=b").first?.parameters == [
                "realm": "https://a/token", "service": "b",
            ]
        )
        #expect(parse("Bearer realm=\"a\", Realm=\"b\"").first?.parameters == ["realm": "a"])
    }

    @Test(arguments: [
        "Basic realm=\"https://a/\"", "Bearer", "Bearer realm=\"\"", "Bearer realm=\"/token\"",
        "Bearer realm=\"file:///etc/passwd\"",
        "Bearer realm=\"ftp://a/\"", "Bearer realm=\"https://a b/\"", "Bearer abc",
    ])
    func refusesWhatLeadsNowhere(line: String) {
        #expect(parse(line).compactMap { BearerChallenge($0) }.isEmpty)
    }

    @Test func takesTimeInProportionToItsInput() {
        let start = ProcessorTime.ofThisThread
        _ = parse(String(repeating: "a=,\"\\", count: 200_000))
        _ = parse(String(repeating: "Bearer a=b, ", count: 80_000))
        _ = parse("Bearer x=" + String(repeating: "\\\"", count: 500_000))
        #expect(ProcessorTime.ofThisThread - start < .seconds(10))
    }

    @Test func survivesRandomInput() {
        let alphabet = Array("Bb=,\"\\ \ta~/é;")
        for _ in 0..<20_000 {
            let line = String((0..<Int.random(in: 0...20)).compactMap { _ in alphabet.randomElement() })
            for challenge in parse(line) { #expect(!challenge.scheme.isEmpty) }
        }
    }
}
