import Content
import RegistryProtocol
import Testing

@Suite struct TokenTests {
    private let challenge: BearerChallenge

    init() throws {
        challenge = try #require(Challenge.parse([bearer]).first.flatMap { BearerChallenge($0) })
    }

    @Test func asksAnonymously() {
        let request = TokenRequest(challenge, scopes: ["repository:lib/a:pull", "x y&z"], credentials: .anonymous)
        #expect(request.method == "GET")
        #expect(
            request.url
                == "https://auth.example.com/token?service=reg&scope=repository%3Alib%2Fa%3Apull&scope=x%20y%26z"
        )
        #expect(request.credentials.isEmpty)
        #expect(request.body == nil)
    }

    @Test func keepsTheRealmsOwnQuery() throws {
        let other = BearerChallenge(realm: try #require(ResourceURL("https://u:p@a/t?k=v")), service: nil, scopes: [])
        #expect(TokenRequest(other, scopes: ["s"], credentials: .anonymous).url == "https://a/t?k=v&scope=s")
        #expect(TokenRequest(other, scopes: [], credentials: .anonymous).url == "https://a/t?k=v")
    }

    @Test func asksWithUserAndPassword() {
        let request = TokenRequest(challenge, scopes: [], credentials: .basic(user: "u", password: "p:é"))
        #expect(request.credentials["Authorization"] == "Basic dTpwOsOp")
        #expect(!request.url.contains("dTpw"))
    }

    @Test func asksWithARefreshToken() throws {
        let request = TokenRequest(challenge, scopes: ["a", "b"], credentials: .identityToken("s&cret"))
        #expect(request.method == "POST")
        #expect(request.url == "https://auth.example.com/token")
        #expect(
            String(decoding: try #require(request.body), as: UTF8.self)
                == "service=reg&client_id=darter&grant_type=refresh_token&refresh_token=s%26cret&scope=a%20b"
        )
    }

    @Test func neverShowsSecrets() {
        var shown = ""
        for credentials: RegistryCredentials in [
            .basic(user: "u", password: "hunter2"), .identityToken("hunter2"), .registryToken("hunter2"),
        ] {
            let request = TokenRequest(challenge, scopes: [], credentials: credentials)
            shown += "\(credentials) \(String(reflecting: credentials)) \(request)"
            dump((credentials, request), to: &shown)
        }
        let token = BearerToken(value: "hunter2", lifetime: .zero)
        dump(token, to: &shown)
        #expect(!"\(shown) \(token) \([token])".contains("hunter2"))
        #expect(!shown.contains("aHVudGVyMg"))
    }

    @Test(arguments: [
        (#"{"token":"t"}"#, 60), (#"{"access_token":"t"}"#, 60),
        (#"{"token":"","access_token":"t","expires_in":300}"#, 300),
        (#"{"token":"t","access_token":"u","expires_in":90.5}"#, 90), (#"{"token":"t","expires_in":0}"#, 60),
        (#"{"token":"t","expires_in":-5}"#, 60), (#"{"token":"t","expires_in":"300"}"#, 60),
        (#"{"token":"t","expires_in":null}"#, 60),
        (#"{"token":"t","expires_in":1e300}"#, 31_536_000), (#"{"token":"t","expires_in":5}"#, 5),
        (#"{"token":"t","expires_in":300,"issued_at":"1970-01-01T00:16:40Z"}"#, 300),
        (#"{"token":"t","expires_in":300,"issued_at":"1970-01-01T00:15:00.123456789Z"}"#, 200),
        (#"{"token":"t","expires_in":300,"issued_at":"1970-01-01T01:15:00+01:00"}"#, 200),
        (#"{"token":"t","expires_in":300,"issued_at":"1970-01-01T00:00:00Z"}"#, 300),
        (#"{"token":"t","expires_in":300,"issued_at":"2999-01-01T00:00:00Z"}"#, 300),
        (#"{"token":"t","expires_in":300,"issued_at":"yesterday"}"#, 300), (#"{"token":"t","issued_at":7}"#, 60),
    ])
    func readsTokens(json: String, seconds: Int) throws {
        let token = try #require(BearerToken(json: Array(json.utf8), now: 1000))
        #expect(token.value == "t")
        #expect(token.lifetime == .seconds(seconds))
    }

    @Test(arguments: [
        "", "{}", "[]", "null", "<html>", #"{"token":""}"#, #"{"token":7}"#, #"{"token":"a b"}"#,
        #"{"token":"a\r\nX: y"}"#, #"{"token":"é"}"#,
        #"{"token":"t""#, "\u{0}",
    ])
    func refusesWhatIsNoToken(json: String) {
        #expect(BearerToken(json: Array(json.utf8), now: 0) == nil)
    }

    @Test func keepsTokensUntilShortlyBeforeTheirEnd() {
        var cache = TokenCache()
        let key = TokenCache.Key(challenge, scopes: ["b", "a"], credentials: .anonymous)
        cache.insert(BearerToken(value: "t", lifetime: .seconds(100)), for: key, asked: .seconds(50))
        let same = TokenCache.Key(challenge, scopes: ["a", "b", "a"], credentials: .anonymous)
        #expect(cache.token(for: same, at: .seconds(139))?.value == "t")
        #expect(cache.token(for: same, at: .seconds(140)) == nil)
        #expect(cache.token(for: same, at: .seconds(60), rejected: "t") == nil)
        #expect(cache.token(for: same, at: .seconds(60), rejected: "old")?.value == "t")
        cache.remove("old", for: key)
        #expect(cache.count == 1)
        cache.remove("t", for: key)
        #expect(cache.count == 0)
        cache.insert(BearerToken(value: "t", lifetime: .seconds(4)), for: key, asked: .zero)
        #expect(cache.token(for: same, at: .milliseconds(2999)) != nil, "a short life is not all margin")
        #expect(cache.token(for: same, at: .seconds(3)) == nil)
    }

    @Test func keepsUsersApart() {
        var cache = TokenCache()
        let users: [RegistryCredentials] = [
            .anonymous, .basic(user: "a", password: "bc"), .basic(user: "ab", password: "c"), .identityToken("a"),
            .registryToken("a"),
        ]
        for (index, user) in users.enumerated() {
            let key = TokenCache.Key(challenge, scopes: [], credentials: user)
            #expect(cache.token(for: key, at: .zero) == nil)
            cache.insert(BearerToken(value: "t\(index)", lifetime: .seconds(100)), for: key, asked: .zero)
        }
        #expect(cache.count == users.count)
    }

    @Test func staysWithinItsLimit() {
        var cache = TokenCache(limit: 8)
        for index in 0..<100 {
            let key = TokenCache.Key(challenge, scopes: ["\(index)"], credentials: .anonymous)
            cache.insert(BearerToken(value: "t", lifetime: .seconds(100 + index)), for: key, asked: .zero)
            #expect(cache.count <= 8)
            #expect(cache.token(for: key, at: .zero) != nil)
        }
    }
}
