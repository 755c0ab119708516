import BackendAPI
import Content
import HTTPTypes
import NodeConfig
import OriginFetch
import Testing
import WireAPI

@testable import ContentProxy

private func rule(_ more: String = "") throws -> ForwardRule {
    var rule = ForwardRule()
    try ConfigFile.parse(text: "regx: .*\n\(more)", file: "rule.yml", into: &rule)
    return rule
}

private func policy(
    _ fields: [(String, String)],
    _ method: HTTPRequest.Method = .get,
    rule more: String = ""
) throws -> CachePolicy {
    var headers: HTTPFields = [:]
    for (name, value) in fields {
        headers.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
    }
    return CachePolicy(method, headers, try rule(more))
}

@Suite struct CachePolicyTests {
    @Test(
        "What is no business of a shared cache passes straight",
        arguments: [
            ([("Cookie", "a=b")], "cookie"), ([("Authorization", "Basic x")], "authorization"),
            ([("Cache-Control", "max-age=5, no-store")], "no-store"), ([("Upgrade", "websocket")], "upgrade"),
            ([("Content-Length", "5")], "body"), ([("Transfer-Encoding", "chunked")], "body"),
            ([("Via", "1.1 somebody, 1.1 darter")], "swarm"), ([("X-API-Key", "k1")], "unknown-field"),
            ([("PRIVATE-TOKEN", "t")], "unknown-field"), ([("X-Nobody-Knows", "")], "unknown-field"),
            ([("Accept", "*/*"), ("Accept-Datetime", "Thu, 31 May 2007 20:35:00 GMT")], "unknown-field"),
            ([("Origin", "http://other.example")], "unknown-field"), ([("Save-Data", "on")], "unknown-field"),
            ([("X-Forwarded-Host", "other.example")], "unknown-field"),
            ([("Connection", "x-hop"), ("X-Key", "1")], "unknown-field"),
        ] as [([(String, String)], String)]
    )
    func straight(fields: [(String, String)], reason: String) throws {
        guard case .straight(let given) = try policy(fields) else {
            Issue.record("\(fields) is not passed straight")
            return
        }
        #expect(given.rawValue == reason)
    }

    @Test(
        "What clients send with every request keeps none of them from the swarm",
        arguments: [
            // curl, wget, pip, apt, and as older clients tell a proxy.
            ["User-Agent", "Accept", "Proxy-Connection", "Proxy-Authorization"],
            ["User-Agent", "Accept", "Accept-Encoding", "Connection", "Proxy-Connection", "Range"],
            ["User-Agent", "Accept", "Accept-Encoding", "Connection", "Cache-Control", "If-None-Match"],
            ["User-Agent", "Accept", "Cache-Control", "Range", "If-Range", "If-Modified-Since", "Referer"],
            // huggingface_hub, helm, git-lfs, conda, npm, zypper, aria2.
            ["user-agent", "Accept", "Accept-Encoding", "Connection", "X-Amzn-Trace-Id", "x-request-id"],
            ["User-Agent", "Accept-Encoding"], ["User-Agent", "Accept-Encoding", "Range"],
            ["User-Agent", "Accept", "Accept-Encoding", "Connection", "Content-Type", "If-Modified-Since"],
            [
                "npm-command", "npm-in-ci", "npm-session", "pacote-version", "pacote-req-type", "pacote-pkg-id",
                "Accept",
            ],
            ["X-ZYpp-AnonymousId", "X-ZYpp-DistributionFlavor"], ["User-Agent", "Accept", "Want-Digest"],
            // Browsers.
            ["DNT", "Sec-GPC", "Sec-Fetch-Mode", "Sec-CH-UA-Platform", "Upgrade-Insecure-Requests", "Priority", "TE"],
            // Other proxies and those who trace.
            ["Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "traceparent", "tracestate", "X-B3-TraceId"],
        ]
    )
    func inert(names: [String]) throws {
        guard case .content = try policy(names.map { ($0, "x") }) else {
            Issue.record("\(names) do not go through the swarm")
            return
        }
    }

    @Test("A field of the client's connection never reaches the origin, so it chooses nothing")
    func ofTheConnection() throws {
        guard case .content = try policy([("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "5")]) else {
            Issue.record("not for the cache")
            return
        }
    }

    @Test(
        "Only GET and HEAD are for the cache",
        arguments: [
            HTTPRequest.Method.post, .put, .delete, .options, .patch, .connect,
        ]
    )
    func methods(method: HTTPRequest.Method) throws {
        #expect(try policy([], method) == .straight(.method))
    }

    @Test("Without a rule, or with one that says so, the request passes straight")
    func rules() throws {
        #expect(CachePolicy(.get, [:], nil) == .straight(.noRule))
        #expect(try policy([], rule: "direct: true") == .straight(.rule))
        #expect(try policy([("Cache-Control", "only-if-cached")], rule: "direct: true") == .straight(.rule))
    }

    @Test(
        "A client that wants it from here only is never passed on",
        arguments: [
            [("Cache-Control", "only-if-cached"), ("Cookie", "a=b")],
            [("Cache-Control", "only-if-cached, no-store")], [("Cache-Control", "only-if-cached"), ("X-Key", "1")],
        ]
    )
    func onlyIfCached(fields: [(String, String)]) throws {
        #expect(try policy(fields) == .unsatisfiable)
    }

    @Test(
        "How old the content may be",
        arguments: [
            ([], "", nil), ([("Cache-Control", "no-cache")], "", FreshnessDemand(maxAge: 0)),
            ([("Pragma", "no-cache")], "", FreshnessDemand(maxAge: 0)),
            // The new word wins over the old one.
            ([("Pragma", "no-cache"), ("Cache-Control", "max-age=60")], "", FreshnessDemand(maxAge: 60)),
            ([("Cache-Control", "max-age=0")], "", FreshnessDemand(maxAge: 0)),
            ([("Cache-Control", "max-age=60, max-age=\"30\"")], "", FreshnessDemand(maxAge: 30)),
            ([("Cache-Control", "max-age=nonsense")], "", FreshnessDemand(maxAge: 0)),
            ([("Cache-Control", "max-age")], "", FreshnessDemand(maxAge: 0)),
            ([], "freshness: 1h", FreshnessDemand(lifetime: 3600)),
            ([("Cache-Control", "no-cache")], "freshness: 1h", FreshnessDemand(lifetime: 3600, maxAge: 0)),
            ([("Cache-Control", "no-transform")], "", nil),
        ] as [([(String, String)], String, FreshnessDemand?)]
    )
    func ages(fields: [(String, String)], more: String, expected: FreshnessDemand?) throws {
        guard case .content(let use) = try policy(fields, rule: more) else {
            Issue.record("not for the cache")
            return
        }
        #expect(use.freshness == expected)
    }

    @Test("What selects the content is part of it, and nothing else; a right stands apart")
    func selects() throws {
        let fields = [
            ("Accept", "text/html"), ("accept", "*/*"), ("Accept-Language", "de"), ("User-Agent", "x"),
            ("Authorization", "Bearer t"), ("If-None-Match", "\"a\""), ("Range", "bytes=0-1"),
        ]
        guard case .content(let use) = try policy(fields, .head, rule: "allow_authorization: true") else {
            Issue.record("not for the cache")
            return
        }
        #expect(use.headers == ["Accept": "text/html, */*", "Accept-Language": "de"])
        #expect(use.credentials == ["Authorization": "Bearer t"])
        #expect(use.isHead)
    }

    @Test(
        "Methods that change something say so when they succeed",
        arguments: [
            (HTTPRequest.Method.post, 201, true), (.put, 204, true), (.delete, 302, true), (.patch, 200, true),
            (.post, 404, false), (.post, 500, false), (.get, 200, false), (.options, 200, false),
        ]
    )
    func invalidates(method: HTTPRequest.Method, status: Int, expected: Bool) {
        #expect(CachePolicy.invalidates(method, status: status) == expected)
    }

    @Test(
        "Out of date content is used for an origin that fails only as it allows",
        arguments: [
            ("max-age=0, stale-if-error=60", "503", 30.0, true), ("max-age=0, stale-if-error=60", "503", 61.0, false),
            ("max-age=0", "503", 1.0, false), ("stale-if-error=60, must-revalidate", "503", 1.0, false),
            ("s-maxage=1, stale-if-error=60", "503", 1.0, false), ("stale-if-error=60, no-cache", "503", 1.0, false),
            ("stale-if-error=60", "404", 1.0, false), ("stale-if-error=60", "429", 1.0, false),
            ("stale-if-error", "503", 1.0, false), ("stale-if-error=x", "503", 1.0, false),
        ]
    )
    func stale(control: String, status: String, age: Double, expected: Bool) throws {
        let record = OriginRecord(
            url: nil,
            digest: nil,
            generatedAt: 1000,
            headers: ["Cache-Control": control],
            openAccess: true
        )
        guard case .content(var use) = try policy([]) else { return }
        let error = WireError(.notShareable, "no", detail: ["status": status])
        #expect(CachePolicy.allowsStale(record, at: 1000 + age, use, error) == expected)
        let unreachable = WireError(.originUnreachable, "no")
        let isAllowed = CachePolicy.allowsStale(record, at: 1000 + age, use, unreachable)
        #expect(isAllowed == (expected || (["404", "429"].contains(status) && age == 1)))
        // Who wants it confirmed gets nothing else.
        use.freshness = FreshnessDemand(maxAge: 0)
        #expect(!CachePolicy.allowsStale(record, at: 1000 + age, use, unreachable))
    }
}
