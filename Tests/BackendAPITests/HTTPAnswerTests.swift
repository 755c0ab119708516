import BackendAPI
import Content
import Testing

private let date = "Sun, 06 Nov 1994 08:49:37 GMT"

private func answer(
    _ status: Int,
    _ fields: HeaderFields,
    _ range: OriginRange? = nil,
    _ condition: Condition? = nil
) throws -> ContentHead {
    try HTTPAnswer.head(
        status: status,
        fields: fields,
        to: try request("http://a/x", range: range, condition: condition)
    )
}

private func code(_ body: () throws -> ContentHead) -> String {
    do {
        _ = try body()
        return "ok"
    } catch let error as BackendError {
        return error.code.description
    } catch {
        return "\(error)"
    }
}

@Suite struct HTTPAnswerTests {
    @Test func readsWholeContent() throws {
        let head = try answer(
            200,
            [
                "Content-Length": "7", "ETag": "\"x\"", "Accept-Ranges": "bytes", "Content-Type": "text/plain",
                "Set-Cookie": "s=1", "Vary": "Accept, Cookie", "Cache-Control": "max-age=60",
                "Docker-Content-Digest": Digest.of("x").description, "Connection": "close",
            ]
        )
        #expect(head.length == 7)
        #expect(head.bodyLength == 7)
        #expect(head.range == nil)
        #expect(head.validators.strong == "\"x\"")
        #expect(head.acceptsRanges)
        #expect(head.vary == ["accept", "cookie"])
        #expect(head.digest == Digest.of("x"))
        #expect(head.freshness.maxAge == .seconds(60))
        #expect(
            Set(head.headers.map { $0.name.lowercased() }) == [
                "etag", "content-type", "cache-control", "docker-content-digest", "vary",
            ]
        )
    }

    @Test func readsADigestOfTheRepresentation() throws {
        let head = try answer(
            200,
            ["Repr-Digest": "md5=:AA==:, sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"]
        )
        #expect(head.digest?.algorithm == .sha256)
        #expect(try answer(200, ["Repr-Digest": "sha-256=:AA==:"]).digest == nil)
        #expect(head.length == nil)
    }

    @Test(
        arguments: [
            ("bytes 0-9/100", "10", "ok"), ("bytes 0-4/100", "5", "ok"), ("bytes 0-9/*", nil, "ok"),
            ("bytes 0-9/100", "11", "protocolViolation"),
            ("bytes 1-9/100", nil, "protocolViolation"), ("bytes 0-10/100", nil, "protocolViolation"),
            ("bytes 0-9/5", nil, "protocolViolation"), ("bytes */100", nil, "protocolViolation"),
            ("lines 0-9/100", nil, "protocolViolation"),
            ("", nil, "protocolViolation"),
        ] as [(String, String?, String)]
    )
    func believesOnlyTheRangeThatWasAskedFor(contentRange: String, length: String?, expected: String) {
        var fields: HeaderFields = ["Content-Range": contentRange]
        fields["Content-Length"] = length
        #expect(code { try answer(206, fields, .closed(ByteRange(0..<10))) } == expected)
    }

    @Test func refusesPartsThatNobodyAskedFor() {
        #expect(code { try answer(206, ["Content-Range": "bytes 0-9/10"]) } == "protocolViolation")
        #expect(code { try answer(206, ["Content-Range": "bytes 0-9/10"], .from(-1)) } == "protocolViolation")
        #expect(code { try answer(206, ["Content-Range": "bytes 0-9/10"], .from(5)) } == "protocolViolation")
        #expect(code { try answer(304, [:]) } == "protocolViolation")
        #expect(code { try answer(302, [:]) } == "protocolViolation")
        #expect(code { try answer(200, ["Content-Length": "7, 8"]) } == "protocolViolation")
        #expect(code { try answer(200, ["Content-Length": "-7"]) } == "protocolViolation")
        #expect(code { try answer(200, ["Content-Length": "7, 7"]) } == "ok")
    }

    @Test func takesTheWholeForARange() throws {
        let head = try answer(200, ["Content-Length": "100"], .from(10))
        #expect(head.range == nil)
        #expect(head.bodyLength == 100)
    }

    @Test func takesAnUnsatisfiableFirstByteForEmptyContent() throws {
        let head = try answer(
            416,
            ["Content-Range": "bytes */0", "Content-Length": "200", "Content-Type": "text/html"],
            .from(0)
        )
        #expect(head.length == 0)
        #expect(head.bodyLength == 0)
        #expect(!head.headers.contains("Content-Type"))
        #expect(code { try answer(416, ["Content-Range": "bytes */100"], .from(100)) } == "rangeNotSatisfiable")
        #expect(HTTPAnswer.failure(status: 416, fields: ["Content-Range": "bytes */100"]).length == 100)
    }

    @Test(arguments: [
        (400, "invalidRequest"), (401, "unauthorized"), (403, "forbidden"), (404, "notFound"), (410, "notFound"),
        (408, "timedOut"),
        (412, "changedAtOrigin"), (429, "throttled"), (500, "unavailable"), (503, "unavailable"), (504, "unavailable"),
        (301, "protocolViolation"),
        (0, "protocolViolation"), (999, "protocolViolation"), (204, "protocolViolation"), (418, "invalidRequest"),
    ])
    func tellsWhatAStatusMeans(status: Int, expected: String) {
        #expect(code { try answer(status, [:]) } == expected)
    }

    @Test func readsWhenToComeBack() {
        #expect(HTTPAnswer.failure(status: 503, fields: ["Retry-After": "7"]).code == .throttled)
        #expect(HTTPAnswer.failure(status: 503, fields: ["Retry-After": "7"]).retryAfter == .seconds(7))
        let dated: HeaderFields = ["Retry-After": "Sun, 06 Nov 1994 08:50:37 GMT", "Date": date]
        #expect(HTTPAnswer.failure(status: 429, fields: dated).retryAfter == .seconds(60))
        let past: HeaderFields = ["Retry-After": "Sun, 06 Nov 1994 07:50:37 GMT", "Date": date]
        #expect(HTTPAnswer.failure(status: 429, fields: past).retryAfter == .zero)
        for wrong in ["-1", "", "soon", "٣", "1.5"] {
            #expect(HTTPAnswer.failure(status: 429, fields: ["Retry-After": wrong, "Date": date]).retryAfter == nil)
        }
        let huge: HeaderFields = ["Retry-After": "99999999999999999999"]
        #expect(HTTPAnswer.failure(status: 429, fields: huge).retryAfter == .seconds(1 << 31))
    }

    @Test func keepsEveryChallenge() {
        let fields: HeaderFields = ["WWW-Authenticate": "Basic realm=\"a\"", "www-authenticate": "Bearer realm=\"b\""]
        #expect(HTTPAnswer.failure(status: 401, fields: fields).challenges.count == 2)
    }

    @Test(
        arguments: [
            // A known strong tag.
            ("\"a\"", nil, 206, "\"a\"", nil, "ok"), ("\"a\"", nil, 200, "\"a\"", nil, "ok"),
            ("\"a\"", nil, 200, "\"b\"", nil, "changedAtOrigin"), ("\"a\"", nil, 206, "\"b\"", nil, "changedAtOrigin"),
            ("\"a\"", nil, 206, "W/\"a\"", nil, "changedAtOrigin"), ("\"a\"", nil, 200, nil, nil, "changedAtOrigin"),
            ("\"a\"", nil, 206, nil, nil, "ok"), ("\"a\"", nil, 412, nil, nil, "changedAtOrigin"),
            // Only a date.
            (nil, date, 206, nil, date, "ok"),
            (nil, date, 200, nil, "Sun, 06 Nov 1994 08:49:38 GMT", "changedAtOrigin"),
            (nil, date, 200, nil, date, "ok"),
        ] as [(String?, String?, Int, String?, String?, String)]
    )
    func noticesAnotherVersion(
        tag: String?,
        changed: String?,
        status: Int,
        nowTag: String?,
        nowChanged: String?,
        expected: String
    ) {
        var fields: HeaderFields = ["Content-Range": "bytes 10-99/100"]
        fields["ETag"] = nowTag
        fields["Last-Modified"] = nowChanged
        let known = Validators(entityTag: tag, lastModified: changed, lastModifiedIsStrong: true)
        #expect(code { try answer(status, fields, .from(10), .ifUnchanged(known)) } == expected)
    }

    @Test func asksUnderItsCondition() throws {
        let strong = Validators(entityTag: "\"a\"", lastModified: date)
        let part = HTTPAnswer.requestFields(
            for: try request("http://a/", range: .from(5), condition: .ifUnchanged(strong))
        )
        #expect(part == ["Range": "bytes=5-", "If-Range": "\"a\"", "If-Match": "\"a\""])
        let weak = Validators(entityTag: "W/\"a\"", lastModified: date)
        let other = HTTPAnswer.requestFields(
            for: try request("http://a/", range: .from(5), condition: .ifUnchanged(weak))
        )
        #expect(other == ["Range": "bytes=5-", "If-Unmodified-Since": date])
        let again = HTTPAnswer.requestFields(for: try request("http://a/", condition: .ifChanged(weak)))
        #expect(again == ["If-None-Match": "W/\"a\""])
    }

    @Test func trustsADateOnlyWhenItLiesBack() throws {
        #expect(
            try answer(200, ["Last-Modified": date, "Date": "Sun, 06 Nov 1994 08:51:37 GMT"]).validators.strong == date
        )
        #expect(
            try answer(200, ["Last-Modified": date, "Date": "Sun, 06 Nov 1994 08:49:38 GMT"]).validators.strong == nil
        )
        #expect(try answer(200, ["Last-Modified": date]).validators.strong == nil)
    }

    @Test(
        arguments: [
            (["Cache-Control": "max-age=60"], .seconds(60)),
            (["Cache-Control": "max-age=60, s-maxage=\"10\""], .seconds(10)),
            (["Cache-Control": "max-age=60", "Age": "50"], .seconds(10)),
            (["Cache-Control": "max-age=60", "Age": "90"], .zero),
            (["Cache-Control": "MAX-AGE=60"], .seconds(60)), (["Cache-Control": "max-age=x"], .zero),
            (["Cache-Control": "max-age=60,max-age=30"], .seconds(30)), ([:], nil), (["Cache-Control": "public"], nil),
            (["Expires": "Sun, 06 Nov 1994 08:50:37 GMT", "Date": date], .seconds(60)),
            (["Expires": "0", "Date": date], .zero),
            (["Expires": date], .zero), (["Cache-Control": "max-age=99999999999999999999"], .seconds(1 << 31)),
        ] as [(HeaderFields, Duration?)]
    )
    func readsHowLongContentIsFresh(fields: HeaderFields, expected: Duration?) {
        #expect(Freshness(fields: fields).maxAge == expected)
    }

    @Test func readsDirectives() {
        let freshness = Freshness(fields: [
            "Cache-Control": "no-store, private=\"a,b\", no-cache, must-revalidate, immutable, max-age=9"
        ])
        #expect(
            freshness.noStore && freshness.isPrivate && freshness.noCache && freshness.mustRevalidate
                && freshness.isImmutable
        )
        #expect(!freshness.isFresh(after: .zero))
        #expect(Freshness(maxAge: .seconds(5)).isFresh(after: .seconds(4)))
        #expect(!Freshness(maxAge: .seconds(5)).isFresh(after: .seconds(5)))
        #expect(!Freshness().isFresh(after: .zero))
    }
}
