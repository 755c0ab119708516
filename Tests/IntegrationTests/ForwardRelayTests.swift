import Content
import TestSupport
import Testing

/// What the HTTP proxy passes on: as a proxy must (RFC 9110 §7.6), and by its rules.
@Suite(.serialized) struct ForwardRelayTests {
    private static let bytes = randomBytes(400_000, seed: 1)
    private static let fresh: HeaderFields = ["ETag": "\"one\"", "Cache-Control": "max-age=3600"]

    @Test("Without a rule a request passes straight, each time, without the fields of one connection")
    func straight() async throws {
        try await withForwardRig(rules: "[]") {
            .content(Self.bytes, for: $0, ["Keep-Alive": "timeout=5", "Proxy-Authenticate": "Basic", "X-Own": "1"])
        } body: { rig in
            let fields: HeaderFields = [
                "Connection": "x-hop, keep-alive", "X-Hop": "1", "Proxy-Authorization": "Basic eDp5", "X-Mine": "1",
                "TE": "gzip", "Proxy-Connection": "keep-alive", "Via": "1.0 fred",
            ]
            for _ in 0..<2 {
                let answer = try await rig.client().send("GET", rig.origin.url("/file?a=b"), fields)
                #expect(answer.body.elementsEqual(Self.bytes))
                #expect(answer.headers["X-Own"] == "1")
                #expect(!answer.headers.contains("Keep-Alive"))
                #expect(!answer.headers.contains("Proxy-Authenticate"))
                #expect(answer.headers["Via"]?.hasPrefix("1.1 darter-") == true)
                #expect(answer.cacheStatus == "darter; fwd=bypass; fwd-status=200; detail=no-rule")
            }
            #expect(rig.origin.requests.count == 2)
            let request = try #require(rig.origin.requests.first)
            #expect(request.target == "/file?a=b")
            #expect(request.headers["Host"] == rig.origin.authority)
            #expect(request.headers["X-Mine"] == "1")
            for name in ["X-Hop", "Proxy-Authorization", "Proxy-Connection", "TE"] {
                #expect(!request.headers.contains(name), "\(name)")
            }
            let via = request.headers.elements(of: "Via")
            #expect(via.first == "1.0 fred")
            #expect(via.last?.hasPrefix("1.1 darter-") == true)
        }
    }

    @Test(
        "An origin's answer that is no content is its own, redirects too, and comes at once",
        arguments: [
            (302, ["Location": "/elsewhere"]), (404, [:]), (503, ["Retry-After": "120"]), (429, ["Retry-After": "7"]),
            (204, [:]), (401, ["WWW-Authenticate": "Digest realm=\"r\""]),
        ] as [(Int, HeaderFields)]
    )
    func otherAnswers(status: Int, headers: HeaderFields) async throws {
        try await withForwardRig { _ in
            .respond(status, headers, body: status == 204 ? [] : Array("the origin's words".utf8))
        } body: { rig in
            let answer = try await rig.client().send("GET", rig.origin.url("/file"))
            #expect(answer.status == status)
            #expect(answer.text == (status == 204 ? "" : "the origin's words"))
            for field in headers { #expect(answer.headers[field.name] == field.value) }
            // One for the swarm, one for the client, and none elsewhere.
            #expect(rig.origin.requests.map(\.path) == ["/file", "/file"])
            _ = try await rig.client().send("GET", rig.origin.url("/file"))
            #expect(rig.origin.requests.count == 3)
        }
    }

    @Test("A body that breaks off is broken off, whichever way it came", arguments: ["[]", "[{regx: .}]"])
    func earlyClose(rules: String) async throws {
        try await withForwardRig(rules: rules) { _ in
            .short(Self.bytes, sending: 300_000)
        } body: { rig in
            let (answer, isWhole) = try await rig.client().receive(rig.origin.url("/file"))
            #expect(!(isWhole && answer.status == 200))
            #expect(answer.status != 200 || answer.body.elementsEqual(Self.bytes.prefix(answer.body.count)))
        }
    }

    @Test("It ends with a reset for who takes the connection's end for the body's", arguments: ["[]", "[{regx: .}]"])
    func earlyCloseForOldClients(rules: String) async throws {
        try await withForwardRig(rules: rules) { _ in
            .head(200, ["Transfer-Encoding": "chunked"]).chunk(Self.bytes).close()
        } body: { rig in
            let port = try #require(rig.daemons[0].proxy.split(separator: ":").last.flatMap { Int($0) })
            try await withByteConnection(to: port) { client in
                try await client.send("GET \(rig.origin.url("/file")) HTTP/1.0\r\n\r\n")
                let (bytes, end) = try await client.readToEnd()
                let answer = String(decoding: bytes.prefix(12), as: UTF8.self)
                #expect(answer == "HTTP/1.0 200" ? end == .reset : answer.hasSuffix(" 502"), "\(answer) \(end)")
            }
        }
    }

    @Test(
        "A length that the origin does not tell is not made up",
        arguments: [
            ("HEAD", 200, nil, nil), ("HEAD", 404, nil, nil), ("HEAD", 200, "7", "7"), ("HEAD", 200, "0", "0"),
            ("GET", 204, nil, nil), ("GET", 304, nil, nil), ("GET", 304, "7", nil), ("GET", 200, "0", "0"),
        ]
    )
    func unknownLength(method: String, status: Int, told: String?, expected: String?) async throws {
        for rules in ["[]", "[{regx: .}]"] {
            try await withForwardRig(rules: rules) { _ in
                .head(status, told.map { ["Content-Length": $0] } ?? [:])
            } body: { rig in
                let answer = try await rig.client().send(method, rig.origin.url("/file"), ["If-None-Match": "\"x\""])
                #expect(answer.status == status)
                #expect(answer.headers.values(of: "Content-Length") == (expected.map { [$0] } ?? []), "\(rules)")
            }
        }
    }

    @Test("An answer whose length is not one is none (RFC 9112 §6.3)", arguments: ["[]", "[{regx: .}]"])
    func twoLengths(rules: String) async throws {
        try await withForwardRig(rules: rules) { request in
            .head(
                200,
                request.path == "/same" ? ["Content-Length": "4, 4"] : ["Content-Length": "4", "content-length": "5"]
            )
            .body(Array("four".utf8)).close()
        } body: { rig in
            let answer = try await rig.client().send("GET", rig.origin.url("/file"))
            #expect(answer.status == 502)
            #expect(answer.text.contains("Content-Length"), "\(answer.text)")
            let same = try await rig.client().send("GET", rig.origin.url("/same"))
            #expect(same.status == 200 && same.text == "four")
            #expect(same.headers.values(of: "Content-Length") == ["4"])
        }
    }

    @Test("Trailers pass in both directions")
    func trailers() async throws {
        try await withForwardRig { _ in
            .chunked([Array("body".utf8)], ["Trailer": "X-Sum"], trailers: ["X-Sum": "abc"])
        } body: { rig in
            let daemon = rig.daemons[0].proxy
            let head =
                "POST \(rig.origin.url("/up")) HTTP/1.1\\r\\nHost: x\\r\\nTE: trailers\\r\\n"
                + "Transfer-Encoding: chunked\\r\\nTrailer: X-Up\\r\\nConnection: close\\r\\n\\r\\n"
            let body = "3\\r\\nabc\\r\\n0\\r\\nX-Up: 1\\r\\n\\r\\n"
            let answer = try await exchange("\(head)\(body)", with: daemon)
            #expect(answer.hasPrefix("HTTP/1.1 200 "))
            #expect(answer.contains("\r\nTrailer: X-Sum\r\n"))
            #expect(answer.hasSuffix("4\r\nbody\r\n0\r\nX-Sum: abc\r\n\r\n"))
            let request = try #require(rig.origin.requests.first)
            #expect(request.body == Array("abc".utf8))
            #expect(request.trailers == ["X-Up": "1"])
            #expect(request.headers["TE"] == "trailers")
        }
    }

    @Test("A client of HTTP/1.0 gets the connection's end in place of chunks", arguments: ["[]", "[{regx: .}]"])
    func oldClients(rules: String) async throws {
        try await withForwardRig(rules: rules) { _ in
            .chunked([Array("one ".utf8), Array("two".utf8)], Self.fresh)
        } body: { rig in
            let request = "GET \(rig.origin.url("/file")) HTTP/1.0\\r\\n\\r\\n"
            for _ in 0..<2 {
                let answer = try await exchange(request, with: rig.daemons[0].proxy)
                #expect(answer.hasSuffix("\r\n\r\none two"))
                #expect(!answer.contains("chunked"))
            }
        }
    }

    /// What a server answers to these bytes (in printf's words) until it ends the connection.
    private func exchange(_ text: String, with server: String) async throws -> String {
        let place = server.replacing(":", with: "/")
        let script = "exec 3<>/dev/tcp/\(place); printf '\(text)' >&3; cat <&3"
        return try await runSuccessfully(.init("bash", ["-c", script]), within: .seconds(30))
    }

    @Test(
        "What is no request for this proxy is refused in words",
        arguments: [
            ("GET ftp://127.0.0.1/x", "", 501, "http and https"), ("GET http://a:b:c/x", "", 400, "malformed"),
            ("TRACE http://127.0.0.1/", "", 405, "TRACE"),
            ("GET http://127.0.0.1/", "Expect: magic\\r\\n", 417, "100-continue"),
            ("OPTIONS http://127.0.0.1:1/", "Max-Forwards: 0\\r\\n", 204, "Allow: GET"),
            ("OPTIONS *", "", 204, "Allow: GET"), ("GET *", "", 404, "UNSUPPORTED"), ("FOO /", "", 501, ""),
            ("GET http://127.0.0.1:1/", "", 502, "\"advice\""),
            ("GET http://169.254.169.254/latest/meta-data", "", 403, "origin.allow_addresses"),
        ]
    )
    func refusals(line: String, fields: String, status: Int, words: String) async throws {
        try await withForwardRig(rules: "[]") { _ in
            .respond(200)
        } body: { rig in
            let head = "\(line) HTTP/1.1\\r\\nHost: x\\r\\n\(fields)Connection: close\\r\\n\\r\\n"
            let answer = try await exchange(head, with: rig.daemons[0].proxy)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(answer.contains(words), "\(answer)")
        }
    }

    @Test(
        "A body that is broken is the client's fault, not the origin's (RFC 9110 §15.5.1)",
        arguments: BrokenBody.all
    )
    func brokenBody(body: BrokenBody) async throws {
        try await withForwardRig(rules: "[]") { _ in
            .respond(200)
        } body: { rig in
            let proxy = rig.daemons[0].proxy
            let answer = try await body.send(to: rig.origin.url("/up"), "POST", through: proxy)
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
            #expect(answer.contains(#""code":"broken_body","message":"the request's body is broken, or "#), "\(answer)")
            #expect(answer.ranges(of: "HTTP/1.1 ").count == 1, "\(answer)")
            let log = rig.daemons[0].process
            _ = try await log.line(containing: "the request's body is broken")
            let line = try await log.line(containing: "method=POST")
            #expect(line.contains("status=400"), "\(line)")
            #expect(rig.origin.requests.isEmpty)
            // Of an origin that is not there the client hears, although the body never comes to its end.
            let missing = try await body.send(to: "http://127.0.0.1:1/up", "POST", through: proxy, breaks: false)
            #expect(missing.hasPrefix("HTTP/1.1 502 "), "\(missing)")
        }
    }

    @Test("A request counts how often it may be passed on")
    func maximumForwards() async throws {
        try await withForwardRig { _ in
            .respond(200)
        } body: { rig in
            _ = try await rig.client().send("OPTIONS", rig.origin.url(), ["Max-Forwards": "3"])
            #expect(rig.origin.requests.first?.headers["Max-Forwards"] == "2")
        }
    }

    @Test("A request that comes back is not passed on again")
    func loop() async throws {
        try await withForwardRig(rules: "[]") { _ in
            .respond(200)
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            let first = try await client.send("GET", url)
            let via = try #require(first.headers["Via"])
            let answer = try await client.send("GET", url, ["Via": "1.1 other, \(via)"])
            #expect(answer.status == 508)
            #expect(answer.text.contains("http_proxy"))
            #expect(rig.origin.requests.count == 1)
        }
    }

    @Test("Rules say where a request goes, what names its content and how long that is good")
    func rules() async throws {
        try await withScriptedServer {
            .content(Array("elsewhere \($0.target)".utf8), for: $0, Self.fresh)
        } body: { other in
            let rules = """
                [{regx: /direct/, direct: true}, {regx: /moved/, redirect: "\(other.authority)"}, \
                {regx: /signed/, ignored_query: [sig]}, {regx: /kept/, freshness: 1h}, {regx: /tagged/}]
                """
            try await withForwardRig(of: 2, rules: rules) {
                .content(Array("origin \($0.target)".utf8), for: $0, ["Cache-Control": "max-age=0"])
            } body: { rig in
                func get(_ path: String, _ number: Int = 0) async throws -> String {
                    try await rig.client(number).send("GET", rig.origin.url(path)).text
                }
                for number in [0, 1] {
                    let direct = try await get("/direct/a", number)
                    #expect(direct == "origin /direct/a")
                    let moved = try await get("/moved/a?b", number)
                    #expect(moved == "elsewhere /moved/a?b")
                    let kept = try await get("/kept/a", number)
                    #expect(kept == "origin /kept/a")
                }
                #expect(rig.count("GET", "/direct/a") == 2)
                #expect(rig.count("GET", "/kept/a") == 1)
                #expect(other.requests.count == 1)
                #expect(rig.count("GET", "/moved/a") == 0)
                let kept = try await get("/kept/a")
                #expect(kept == "origin /kept/a")
                #expect(rig.count("GET", "/kept/a") == 1)
            }
        }
    }

    @Test("A signature in the query does not part what it signs")
    func ignoredQuery() async throws {
        try await withForwardRig(of: 2, rules: "[{regx: ., ignored_query: [sig]}]") {
            .content(Self.bytes, for: $0, Self.fresh)
        } body: { rig in
            for (number, sig) in [(0, "a"), (1, "b"), (0, "c")] {
                let url = rig.origin.url("/file?v=1&sig=\(sig)")
                let answer = try await rig.client(number).send("GET", url)
                #expect(answer.body.elementsEqual(Self.bytes))
            }
            #expect(rig.count() == 1)
        }
    }

    @Test("A wrong signature gets what is fresh, and the origin's own word where each request is confirmed")
    func wrongSignature() async throws {
        for (freshness, expected) in [("1h", 200), ("0s", 403)] {
            try await withForwardRig(of: 2, rules: "[{regx: ., ignored_query: [sig], freshness: \(freshness)}]") {
                request in
                guard request.target.hasSuffix("sig=good") else { return .respond(403) }
                return request.headers["If-None-Match"] == "\"one\""
                    ? .respond(304, Self.fresh) : .content(Self.bytes, for: request, Self.fresh)
            } body: { rig in
                for (number, sig, status) in [
                    (0, "good", 200), (0, "bad", expected), (1, "bad", expected), (1, "good", 200),
                ] {
                    let answer = try await rig.client(number).send("GET", rig.origin.url("/file?sig=\(sig)"))
                    #expect(answer.status == status, "\(freshness) \(number) \(sig)")
                }
            }
        }
    }
}
