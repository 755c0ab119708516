import Content
import Synchronization
import TestSupport
import Testing

/// The HTTP proxy as a cache that many share (RFC 9111).
@Suite(.serialized) struct ForwardCacheTests {
    private static let bytes = randomBytes(700_000, seed: 1)
    private static let fresh: HeaderFields = ["ETag": "\"one\"", "Cache-Control": "max-age=3600"]

    @Test("Two nodes ask the origin once, and clients see the origin's own answer")
    func sharedOnce() async throws {
        let headers: HeaderFields = [
            "ETag": "\"one\"", "Cache-Control": "public, max-age=3600", "Content-Type": "text/x-own",
            "Content-Encoding": "x-own", "X-Own": "1", "X-Own": "2", "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
            "Connection": "x-hop", "X-Hop": "no", "Server": "scripted", "Age": "5", "Vary": "Accept",
        ]
        try await withForwardRig(of: 2) {
            .content(Self.bytes, for: $0, headers)
        } body: { rig in
            for round in 0..<4 {
                let answer = try await rig.client(round % 2).send("GET", rig.origin.url("/file"))
                #expect(answer.status == 200)
                #expect(answer.body.elementsEqual(Self.bytes))
                for name in ["ETag", "Cache-Control", "Content-Type", "Content-Encoding", "Date", "Server", "Vary"] {
                    #expect(answer.headers[name] == headers[name], "\(name)")
                }
                #expect(answer.headers.values(of: "X-Own") == ["1", "2"])
                #expect(!answer.headers.contains("X-Hop"))
                #expect(try #require(answer.headers["Age"].flatMap { Int($0) }) >= 5)
                #expect(answer.headers["Via"]?.hasPrefix("1.1 darter-") == true)
                #expect(answer.cacheStatus == (round < 2 ? "darter; fwd=uri-miss; stored" : "darter; hit"))
            }
            #expect(rig.count() == 1)
            let request = try #require(rig.origin.requests.first)
            #expect(request.headers["Via"] == "1.1 darter")
        }
    }

    @Test(
        "What must not be shared is passed straight, and soon costs the origin no more than without a proxy",
        arguments: [
            ["Cache-Control": "no-store"], ["Cache-Control": "private, max-age=60"],
            ["Set-Cookie": "session=1", "Cache-Control": "max-age=60"],
            ["Vary": "User-Agent", "Cache-Control": "max-age=60"],
            ["Vary": "*"],
        ] as [HeaderFields]
    )
    func unshareable(headers: HeaderFields) async throws {
        let count = Counter()
        try await withForwardRig {
            .respond(200, headers, body: Array("\($0.headers["User-Agent"] ?? "") \(count.next())".utf8))
        } body: { rig in
            for round in 1...3 {
                let answer = try await rig.client().send(
                    "GET",
                    rig.origin.url("/file"),
                    ["User-Agent": "agent\(round)"]
                )
                #expect(answer.status == 200)
                #expect(answer.text.hasPrefix("agent\(round) "))
                #expect(answer.headers["Set-Cookie"] == headers["Set-Cookie"])
                #expect(answer.cacheStatus.contains("fwd=uri-miss; fwd-status=200; detail=not_shareable"))
            }
            #expect(rig.count() == 4)
        }
    }

    @Test("Answers that vary by what selects content are kept apart")
    func varies() async throws {
        try await withForwardRig {
            .content(
                Array("in \($0.headers["Accept-Language"] ?? "none")".utf8),
                for: $0,
                ["Vary": "Accept-Language", "Cache-Control": "max-age=60", "ETag": "\"x\""]
            )
        } body: { rig in
            for _ in 0..<2 {
                for language in ["de", "en"] {
                    let answer = try await rig.client().send(
                        "GET",
                        rig.origin.url("/file"),
                        ["Accept-Language": language]
                    )
                    #expect(answer.text == "in \(language)")
                }
                #expect(try await rig.client().send("GET", rig.origin.url("/file")).text == "in none")
            }
            #expect(rig.count() == 3)
        }
    }

    @Test("Out of date content is confirmed by its entity tag, and the confirmation's words are the new ones")
    func revalidates() async throws {
        try await withForwardRig(of: 2) { request in
            var headers: HeaderFields = ["ETag": "\"one\"", "X-Asked": "first"]
            guard request.headers["If-None-Match"] == "\"one\"" else {
                return .content(Self.bytes, for: request, headers)
            }
            headers["X-Asked"] = "again"
            return .respond(304, headers)
        } body: { rig in
            let url = rig.origin.url("/file")
            #expect(try await rig.client().send("GET", url).headers["X-Asked"] == "first")
            for number in [0, 1] {
                let answer = try await rig.client(number).send("GET", url)
                #expect(answer.body.elementsEqual(Self.bytes))
                #expect(answer.headers["X-Asked"] == "again")
                #expect(answer.headers["ETag"] == "\"one\"")
            }
            #expect(rig.count() == 3)
            #expect(rig.origin.requests.dropFirst().allSatisfy { $0.headers["If-None-Match"] == "\"one\"" })
        }
    }

    @Test("A new version takes the old one's place")
    func changes() async throws {
        let count = Counter()
        try await withForwardRig {
            let number = count.next()
            return .content(Array("version \(number)".utf8), for: $0, ["ETag": "\"\(number)\""])
        } body: { rig in
            for number in 1...3 {
                let answer = try await rig.client().send("GET", rig.origin.url("/file"))
                #expect(answer.text == "version \(number)")
            }
        }
    }

    @Test("A client may want it confirmed, from here only, or kept by nobody")
    func wishes() async throws {
        try await withForwardRig { request in
            request.headers["If-None-Match"] == "\"one\""
                ? .respond(304, Self.fresh) : .content(Self.bytes, for: request, Self.fresh)
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            let missing = try await client.send("GET", url, ["Cache-Control": "only-if-cached"])
            #expect(missing.status == 504)
            #expect(missing.text.contains("only-if-cached"))
            #expect(rig.origin.requests.isEmpty)
            _ = try await client.send("GET", url)
            #expect(
                try await client.send("GET", url, ["Cache-Control": "only-if-cached"]).body.elementsEqual(Self.bytes)
            )
            #expect(rig.count() == 1)
            for fields in [["Cache-Control": "no-cache"], ["Pragma": "no-cache"], ["Cache-Control": "max-age=0"]]
                as [HeaderFields]
            {
                let answer = try await client.send("GET", url, fields)
                #expect(answer.body.elementsEqual(Self.bytes))
                #expect(answer.cacheStatus == "darter; fwd=request; stored")
            }
            #expect(rig.origin.requests.count { $0.headers["If-None-Match"] != nil } == 3)
            let unkept = try await client.send("GET", url, ["Cache-Control": "no-store"])
            #expect(unkept.cacheStatus == "darter; fwd=bypass; fwd-status=200; detail=no-store")
            #expect(rig.count() == 5)
        }
    }

    @Test("Conditions, ranges and HEAD are answered from here as the origin would")
    func conditions() async throws {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT"
        var headers = Self.fresh
        headers["Last-Modified"] = date
        try await withForwardRig { [headers] in
            .content(Self.bytes, for: $0, headers)
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            let cold = try await client.send("HEAD", url)
            #expect(cold.headers["Content-Length"] == "\(Self.bytes.count)")
            #expect(rig.count("HEAD") == 1)
            _ = try await client.send("GET", url)
            let expected: [(HeaderFields, Int, Range<Int>)] = [
                (["Range": "bytes=10-99"], 206, 10..<100), (["Range": "bytes=-5"], 206, 699_995..<700_000),
                (["Range": "bytes=700000-"], 416, 0..<0), (["Range": "bytes=0-1,5-6"], 200, 0..<700_000),
                (["If-None-Match": "\"one\""], 304, 0..<0), (["If-None-Match": "\"two\", W/\"one\""], 304, 0..<0),
                (["If-None-Match": "\"two\""], 200, 0..<700_000), (["If-Modified-Since": date], 304, 0..<0),
                (["If-Match": "\"two\""], 412, 0..<0),
                (["Range": "bytes=0-9", "If-Range": "\"one\""], 206, 0..<10),
                (["Range": "bytes=0-9", "If-Range": "\"two\""], 200, 0..<700_000),
            ]
            for (fields, status, range) in expected {
                let answer = try await client.send("GET", url, fields)
                #expect(answer.status == status, "\(fields)")
                if [200, 206].contains(status) { #expect(answer.body.elementsEqual(Self.bytes[range]), "\(fields)") }
                if status == 304 {
                    #expect(answer.headers["ETag"] == "\"one\"")
                    #expect(answer.headers["Cache-Control"] == "max-age=3600")
                }
                if status == 416 { #expect(answer.headers["Content-Range"] == "bytes */700000") }
            }
            let head = try await client.send("HEAD", url)
            #expect(head.status == 200)
            #expect(head.headers["Content-Length"] == "700000")
            #expect(head.cacheStatus == "darter; hit")
            #expect(rig.count() == 1)
            #expect(rig.count("HEAD") == 1)
        }
    }

    @Test("A body without a length is kept too, and has one from then on")
    func chunked() async throws {
        try await withForwardRig { _ in
            .chunked([Array("one ".utf8), Array("two".utf8)], Self.fresh)
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            #expect(try await client.send("GET", url).text == "one two")
            let again = try await client.send("GET", url, ["Range": "bytes=4-"])
            #expect(again.status == 206)
            #expect(again.text == "two")
            #expect(rig.count() == 1)
        }
    }

    @Test("A change through the proxy makes the next request ask anew, at the supernode too")
    func invalidates() async throws {
        let count = Counter()
        try await withForwardRig { request in
            guard request.method == "GET" else { return .respond(request.headers["X-Fail"] == nil ? 201 : 500) }
            let number = count.next()
            return .content(
                Array("version \(number)".utf8),
                for: request,
                ["ETag": "\"\(number)\"", "Cache-Control": "max-age=3600"]
            )
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            #expect(try await client.send("GET", url).text == "version 1")
            let failed = try await client.send("POST", url, ["X-Fail": "1"], body: [1])
            #expect(failed.status == 500)
            #expect(try await client.send("GET", url).text == "version 1")
            let posted = try await client.send("POST", url, body: randomBytes(300_000, seed: 2))
            #expect(posted.status == 201)
            #expect(posted.cacheStatus == "darter; fwd=method; fwd-status=201; detail=method")
            #expect(rig.origin.requests.last?.body.count == 300_000)
            #expect(try await client.send("GET", url).text == "version 2")
            #expect(try await client.send("GET", url).text == "version 2")
            #expect(rig.count() == 2)
        }
    }

    @Test(
        "An origin that fails is stood in for only where it allows it",
        arguments: [
            ("max-age=0, stale-if-error=600", 200), ("max-age=0, stale-if-error=600, must-revalidate", 503),
            ("max-age=0", 503),
        ]
    )
    func stale(control: String, expected: Int) async throws {
        let isDown = TestEvent()
        try await withForwardRig { request in
            isDown.hasFired
                ? .respond(503, body: Array("down".utf8))
                : .content(Self.bytes, for: request, ["ETag": "\"one\"", "Cache-Control": control])
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            #expect(try await client.send("GET", url).status == 200)
            isDown.fire()
            let answer = try await client.send("GET", url)
            #expect(answer.status == expected)
            if expected == 200 {
                #expect(answer.body.elementsEqual(Self.bytes))
                #expect(answer.cacheStatus == "darter; fwd=stale; detail=stale-if-error")
            } else {
                #expect(answer.text == "down")
            }
        }
    }

    @Test(
        "A field that may choose the content goes straight, and its answer is nobody else's",
        arguments: [true, false]
    )
    func unknownFields(isFirst: Bool) async throws {
        try await withForwardRig { request in
            let text = request.headers["X-API-Key"] == "k1" ? "private content" : "public teaser"
            return .content(Array(text.utf8), for: request, Self.fresh)
        } body: { rig in
            let (client, url) = (rig.client(), rig.origin.url("/file"))
            func open() async throws {
                let answer = try await client.send("GET", url)
                #expect(answer.text == "public teaser")
                #expect(answer.headers["X-Darter-Direct"] == nil)
            }
            if !isFirst { try await open() }
            for _ in 0..<2 {
                let answer = try await client.send("GET", url, ["X-API-Key": "k1"])
                #expect(answer.text == "private content")
                #expect(answer.headers["X-Darter-Direct"] == "unknown-field")
                #expect(answer.cacheStatus == "darter; fwd=bypass; fwd-status=200; detail=unknown-field")
            }
            try await open()
            try await open()
            #expect(rig.count() == 3)
            let log = await rig.daemons[0].process.stopForErrors()
            #expect(log.split(separator: "\n").count { $0.contains("field=x-api-key") && !$0.contains("k1") } == 2)
        }
    }

    @Test("What needs a login goes straight, or through the swarm to whom the origin lets have it, as the rule says")
    func authorization() async throws {
        let origin: ScriptedServer.Handler = { request in
            guard request.headers["Authorization"] == "Basic dTpw" else { return .challenge("Basic realm=\"own\"") }
            return .content(Self.bytes, for: request, Self.fresh)
        }
        let good: HeaderFields = ["Authorization": "Basic dTpw"]
        try await withForwardRig(of: 2, origin) { rig in
            let url = rig.origin.url("/file")
            for _ in 0..<2 {
                let answer = try await rig.client().send("GET", url, good)
                #expect(answer.body.elementsEqual(Self.bytes))
                #expect(answer.cacheStatus.hasSuffix("detail=authorization"))
            }
            #expect(rig.count() == 2)
        }
        try await withForwardRig(of: 2, rules: "[{regx: ., allow_authorization: true}]", origin) { rig in
            let url = rig.origin.url("/file")
            for number in [0, 1, 0, 1] {
                #expect(try await rig.client(number).send("GET", url, good).body.elementsEqual(Self.bytes))
            }
            #expect(rig.count() == 1)
            for fields in [[:], ["Authorization": "Basic eDp5"]] as [HeaderFields] {
                for number in [0, 1] {
                    let answer = try await rig.client(number).send("GET", url, fields)
                    #expect(answer.status == 401)
                    #expect(answer.headers["WWW-Authenticate"] == "Basic realm=\"own\"")
                    #expect(answer.body.isEmpty)
                }
            }
        }
    }
}

/// Counts from 1.
final class Counter: Sendable {
    private let value = Mutex(0)

    func next() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
