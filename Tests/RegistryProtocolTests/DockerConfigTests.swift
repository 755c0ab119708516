import RegistryProtocol
import Testing

private func config(_ json: String) throws(DockerConfig.Fault) -> DockerConfig {
    try DockerConfig(json: Array(json.utf8))
}

@Suite struct DockerConfigTests {
    @Test(
        arguments: [
            ("r.io", nil, "u", "p"), ("R.IO", nil, "u", "p"), ("r.io:5000", nil, "v", "q:r"),
            ("docker.io", nil, "hub", "x"),
            ("registry-1.docker.io", "library/nginx", "hub", "x"), ("index.docker.io", nil, "hub", "x"),
            ("quay.io", "org/app", "org", "o"), ("quay.io", "org", "org", "o"), ("quay.io", "orga/app", "all", "a"),
            ("quay.io", "other/app", "all", "a"), ("quay.io", nil, "all", "a"), ("plain.io", nil, "pu", "pp"),
            ("url.io", nil, "w", "z"),
        ] as [(String, String?, String, String)]
    )
    func findsLogins(host: String, repository: String?, user: String, password: String) throws {
        let logins = try config(
            """
            {"auths": {
              "r.io": {"auth": "dTpw"}, "r.io:5000": {"auth": "djpxOnI="}, "https://index.docker.io/v1/": {"auth": "aHViOng"},
              "quay.io": {"auth": "YWxsOmE="}, "quay.io/org": {"auth": "b3JnOm8="},
              "plain.io": {"username": "pu", "password": "pp"}, "https://url.io/v2/": {"auth": "dzp6"}
            }, "HttpHeaders": {"User-Agent": "x"}, "currentContext": "y"}
            """
        )
        let name = repository.flatMap { RepositoryName($0) }
        #expect(try logins.credentials(for: host, repository: name) == .basic(user: user, password: password))
        #expect(logins.unsupportedHelpers.isEmpty)
    }

    @Test func knowsTokensAndPadding() throws {
        let logins = try config(
            """
            {"auths": {
              "a.io": {"auth": "PHRva2VuPjpzZWNyZXQ="}, "b.io": {"auth": "dTpw", "identitytoken": "secret"},
              "c.io": {"registrytoken": "secret"}, "d.io": {"auth": "dTpwAAAA"}
            }}
            """
        )
        #expect(try logins.credentials(for: "a.io") == .identityToken("secret"))
        #expect(try logins.credentials(for: "b.io") == .identityToken("secret"))
        #expect(try logins.credentials(for: "c.io") == .registryToken("secret"))
        #expect(try logins.credentials(for: "d.io") == .basic(user: "u", password: "p"))
        #expect(try logins.credentials(for: "e.io") == .anonymous)
        #expect(try DockerConfig().credentials(for: "e.io") == .anonymous)
    }

    @Test func saysThatHelpersAreNotSupported() throws {
        let logins = try config(
            #"{"auths": {"a.io": {}, "b.io": {"auth": "dTpw"}}, "credHelpers": {"gcr.io": "gcloud"}, "credsStore": "desktop"}"#
        )
        #expect(logins.unsupportedHelpers == ["gcr.io": "gcloud", "a.io": "desktop"])
        for (host, helper) in [("gcr.io", "gcloud"), ("a.io", "desktop")] {
            let fault = #expect(throws: DockerConfig.Fault.self) { _ = try logins.credentials(for: host) }
            #expect(fault?.message.contains("'\(helper)', which is not supported") == true)
        }
        #expect(try logins.credentials(for: "b.io") == .basic(user: "u", password: "p"))
        #expect(try logins.credentials(for: "other.io") == .anonymous)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"auths": []}"#, #"{"auths": {"a": {"auth": "?"}}}"#, #"{"auths": {"a": {"auth": "dXA="}}}"#,
        #"{"auths": {"a": {"auth": "/w=="}}}"#, #"{"auths": {"a": {"auth": 7}}}"#, "\u{0}",
    ])
    func saysWhatIsWrong(json: String) {
        #expect(throws: DockerConfig.Fault.self) { _ = try config(json) }
    }

    @Test func tellsNoSecretInFaults() {
        let fault = #expect(throws: DockerConfig.Fault.self) {
            _ = try config(#"{"auths": {"a.io": {"username": ["hunter2"]}, "b.io": {"auth": "aHVudGVyMg=="}}}"#)
        }
        #expect(fault?.message.contains("hunter2") == false && fault?.message.contains("aHVudGVyMg") == false)
        #expect(fault?.message.contains("auths.a.io.username") == true)
    }

    @Test(
        arguments: [
            ("Basic dTpw", .basic(user: "u", password: "p")), ("basic  dTpw", .basic(user: "u", password: "p")),
            ("Bearer x.y", .registryToken("x.y")),
            ("Basic ?", nil), ("Digest x", nil), ("", nil), ("Basic", nil), ("Bearer ", nil),
        ] as [(String, RegistryCredentials?)]
    )
    func readsAUsersAuthorization(value: String, expected: RegistryCredentials?) {
        #expect(RegistryCredentials(authorization: value) == expected)
    }
}
