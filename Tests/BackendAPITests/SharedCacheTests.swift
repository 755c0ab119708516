import BackendAPI
import Content
import Testing

@Suite struct SharedCacheTests {
    @Test(
        "What a shared cache must not keep",
        arguments: [
            (200, [:], nil), (206, [:], nil), (304, [:], nil), (200, ["Cache-Control": "public, max-age=5"], nil),
            (200, ["Vary": "Accept, accept-encoding", "vary": "Accept-Language"], nil),
            (200, ["Pragma": "no-cache"], nil),
            (200, ["Cache-Control": "no-cache"], nil), (200, ["Cache-Control": "no-store"], "no-store"),
            (200, ["Cache-Control": "max-age=5, Private"], "private"),
            (200, ["Cache-Control": "private=\"x-user\""], "private"), (304, ["Cache-Control": "no-store"], "no-store"),
            (200, ["Set-Cookie": "a=b", "Cache-Control": "public"], "set-cookie"),
            (200, ["Content-Type": "text/event-stream; charset=utf-8"], "event-stream"),
            (200, ["Content-Type": "text/events"], nil),
            (200, ["Vary": "User-Agent"], "vary"), (200, ["Vary": "*"], "vary"),
            (200, ["Vary": "Accept, Cookie"], "vary"),
            (404, [:], "status-404"), (302, [:], "status-302"), (203, [:], "status-203"), (500, [:], "status-500"),
            (204, [:], "status-204"), (200, ["X-Large": String(repeating: "x", count: 17 << 10)], "header-size"),
        ] as [(Int, HeaderFields, String?)]
    )
    func objections(status: Int, fields: HeaderFields, expected: String?) {
        #expect(SharedCache.objection(status: status, fields: fields) == expected)
    }

    private func head(
        _ status: Int,
        _ fields: HeaderFields,
        asSharedCache: Bool,
        range: OriginRange? = nil,
        condition: Condition? = nil
    ) throws -> ContentHead {
        let url = try #require(ResourceURL("http://a/x"))
        let resource = Resource(url: url, asSharedCache: asSharedCache)
        let request = OriginRequest(resource: resource, range: range, condition: condition)
        return try HTTPAnswer.head(status: status, fields: fields, to: request)
    }

    @Test("Only who asks as a shared cache is refused, and nobody who goes on with content that is known")
    func whoIsRefused() throws {
        let fields: HeaderFields = ["Cache-Control": "no-store", "Content-Range": "bytes 5-9/10"]
        #expect(try head(200, fields, asSharedCache: false).freshness.noStore)
        let error = #expect(throws: BackendError.self) { try head(200, fields, asSharedCache: true) }
        #expect(error?.code == .notShareable)
        #expect(error?.isTransient == false)
        #expect(try head(206, fields, asSharedCache: true, range: .from(5)).range?.offset == 5)
        let unchanged = Condition.ifUnchanged(Validators(entityTag: "\"a\""))
        let busy = #expect(throws: BackendError.self) {
            try head(503, [:], asSharedCache: true, range: .from(5), condition: unchanged)
        }
        #expect(busy?.code == .unavailable)
    }

    @Test("An origin's trouble is its own word to whoever asks, and is not asked for again and again")
    func troubles() {
        let error = #expect(throws: BackendError.self) { try head(503, ["Retry-After": "5"], asSharedCache: true) }
        #expect(error?.code == .notShareable)
        #expect(error?.status == 503)
    }

    @Test("All that speaks of the content is replayed, and nothing that speaks of a connection or a client")
    func replayed() throws {
        let head = try head(
            200,
            [
                "Date": "x", "ETag": "\"a\"", "X-Own": "1", "X-Own": "2", "Link": "<a>", "Content-Encoding": "gzip",
                "Content-Length": "5", "Connection": "close, x-hop", "X-Hop": "1", "Keep-Alive": "1", "Age": "7",
                "Transfer-Encoding": "chunked", "Set-Cookie": "a=b", "Accept-Ranges": "bytes", "Trailer": "x",
                "WWW-Authenticate": "Basic", "Via": "1.1 a", "Proxy-Authenticate": "Basic", "Upgrade": "h2c",
            ],
            asSharedCache: false
        )
        #expect(head.headers.map(\.name) == ["Date", "ETag", "X-Own", "X-Own", "Link", "Content-Encoding", "Via"])
        #expect(head.headers.values(of: "X-Own") == ["1", "2"])
        #expect(head.age == .seconds(7))
    }

    @Test("What is replayed is bounded")
    func bounded() throws {
        let large = String(repeating: "x", count: 10 << 10)
        let head = try head(200, ["A": large, "B": large, "C": "small"], asSharedCache: false)
        #expect(head.headers.map(\.name) == ["A", "C"])
    }

    @Test("A task of a shared cache is none of a download's")
    func identity() throws {
        let url = try #require(ResourceURL("http://a/x"))
        #expect(Resource(url: url).taskID != Resource(url: url, asSharedCache: true).taskID)
        let digest = Digest.of("x")
        #expect(
            Resource(url: url, digest: digest).taskID
                == Resource(url: url, digest: digest, asSharedCache: true).taskID
        )
    }
}
