import BackendAPI
import Content
import CurlTransport
import TestSupport
import Testing

/// What origins that speak HTTP do wrong, or in their own way.
@Suite struct HTTPBackendTests {
    static let file = randomBytes(300_000, seed: 9)

    static func request(_ server: ScriptedServer, range: OriginRange? = nil) throws -> OriginRequest {
        OriginRequest(resource: Resource(url: try resourceURL(server.url("/file"))), range: range)
    }

    /// Fetches from a server that answers everything by `script`.
    static func fetch(
        range: OriginRange? = nil,
        condition: Condition? = nil,
        _ script: @escaping ScriptedServer.Handler
    ) async throws -> (sink: CollectingSink, error: BackendError?) {
        try await withScriptedServer(script) { server in
            var request = try Self.request(server, range: range)
            request.condition = condition
            let (sink, backend, asked) = (CollectingSink(limit: 1 << 24), try httpBackend(), request)
            let error = await failure { () throws(BackendError) in try await backend.fetch(asked, into: sink) }
            return (sink, error)
        }
    }

    @Test func seesThatARangeWasIgnored() async throws {
        let (sink, error) = try await Self.fetch(range: .from(100_000)) { _ in .respond(200, body: Self.file) }
        #expect(error == nil)
        #expect(sink.head?.range == nil)
        #expect(sink.bytes == Self.file)
    }

    @Test func takesContentOfUnknownLength() async throws {
        for script in [Script.unsized(Self.file), .chunked([Array(Self.file[..<9]), Array(Self.file[9...])])] {
            let (sink, error) = try await Self.fetch { _ in script }
            #expect(error == nil)
            #expect(sink.head?.length == nil)
            #expect(sink.bytes == Self.file)
        }
    }

    @Test(arguments: [
        "bytes 0-99/1000", "bytes 101-199/1000", "bytes 100-200/1000", "bytes 100-199/150", "bytes 100-199", "100-199",
        "bytes */1000", "bytes 199-100/1000",
    ])
    func refusesOtherBytesThanAskedFor(contentRange: String) async throws {
        let (sink, error) = try await Self.fetch(range: .closed(ByteRange(100..<200))) { _ in
            .head(206, ["Content-Range": contentRange, "Connection": "close"]).body(Self.file.prefix(100)).close()
        }
        #expect(error?.code == .protocolViolation)
        #expect(sink.head == nil && sink.bytes.isEmpty)
    }

    @Test func cutsOffWhatIsTooLong() async throws {
        let (sink, error) = try await Self.fetch(range: .closed(ByteRange(0..<100))) { _ in
            .head(206, ["Content-Range": "bytes 0-99/1000", "Connection": "close"]).body(Self.file).close()
        }
        #expect(error?.code == .protocolViolation)
        #expect(sink.bytes == Array(Self.file.prefix(100)))
    }

    @Test func tellsAnEarlyEnd() async throws {
        let scripts: [Script] = [
            .short(Self.file, sending: 1_000),
            .head(206, ["Content-Range": "bytes 0-299999/300000", "Connection": "close"]).body(Self.file.prefix(9))
                .close(),
            .head(200, ["Content-Length": "300000"]).body(Self.file.prefix(1_000)).reset(),
        ]
        for script in scripts {
            let (_, error) = try await Self.fetch(range: .closed(ByteRange(0..<300_000))) { _ in script }
            #expect(error?.code == .closedEarly)
            #expect(error?.isTransient == true)
        }
    }

    @Test func doesNotMixVersions() async throws {
        let known = Validators(entityTag: "\"1\"")
        let answers: [Script] = [
            .respond(200, ["ETag": "\"2\""], body: Self.file), .respond(200, body: Self.file), .respond(412),
            .respond(206, ["ETag": "\"2\"", "Content-Range": "bytes 5-9/10"], body: Self.file.prefix(5)),
        ]
        for script in answers {
            let (sink, error) = try await Self.fetch(range: .from(5), condition: .ifUnchanged(known)) { _ in script }
            #expect(error?.code == .changedAtOrigin)
            #expect(sink.head == nil && sink.bytes.isEmpty)
        }
    }

    @Test(
        arguments: [
            (401, .unauthorized), (403, .forbidden), (404, .notFound), (410, .notFound), (416, .rangeNotSatisfiable),
            (429, .throttled), (500, .unavailable), (503, .throttled), (418, .invalidRequest),
            (204, .protocolViolation),
        ] as [(Int, BackendError.Code)]
    )
    func understandsRefusals(status: Int, code: BackendError.Code) async throws {
        let (sink, error) = try await Self.fetch(range: .from(10)) { _ in
            let headers: HeaderFields = ["Retry-After": "7", "WWW-Authenticate": "Basic realm=\"r\""]
            return .respond(status, headers, body: status == 204 ? [] : Array("no".utf8))
        }
        #expect(error?.code == code)
        #expect(error?.status == status)
        #expect(sink.head == nil && sink.bytes.isEmpty)
        #expect(error?.challenges == (status == 401 ? ["Basic realm=\"r\""] : []))
        if code == .throttled { #expect(error?.retryAfter == .seconds(7)) }
    }

    @Test(arguments: [400, 403, 405, 501])
    func doesWithoutHEAD(status: Int) async throws {
        try await withScriptedServer { request in
            request.method == "HEAD"
                ? .respond(status) : .content(Self.file, for: request, ["ETag": "\"1\""])
        } body: { server in
            let head = try await httpBackend().head(try Self.request(server))
            #expect(head.length == 300_000)
            #expect(head.range == nil)
            #expect(head.validators.entityTag == "\"1\"")
            #expect(server.requests.last?.headers["Range"] == "bytes=0-0")
        }
    }

    @Test(.timeLimit(.minutes(1))) func doesNotReadAFileForItsHead() async throws {
        let never = TestEvent()
        try await withScriptedServer { request in
            request.method == "HEAD"
                ? .respond(405)
                : .head(200, ["Content-Length": "1000000000"]).body(Self.file).wait(never)
        } body: { server in
            let head = try await httpBackend().head(try Self.request(server))
            #expect(head.length == 1_000_000_000)
        }
    }

    @Test func asksForTheBytesAsTheyAre() async throws {
        try await withScriptedServer { request in
            .content(Self.file, for: request)
        } body: { server in
            _ = try await httpBackend().head(try Self.request(server))
            #expect(server.requests.first?.headers["Accept-Encoding"] == "identity")
        }
    }

    @Test func replaysWhatIsForClients() async throws {
        let (sink, _) = try await Self.fetch { _ in
            .respond(
                200,
                ["Content-Type": "text/x", "Set-Cookie": "a=b", "Keep-Alive": "1", "Content-Language": "de"],
                body: [1]
            )
        }
        #expect(sink.head?.headers == ["Content-Type": "text/x", "Content-Language": "de"])
    }

    @Test func sendsConfiguredCredentialsToTheOriginOnly() async throws {
        try await withScriptedServer { request in
            .content(Self.file, for: request)
        } body: { other in
            let target = other.url("/moved")
            try await withScriptedServer { _ in
                .redirect(to: target)
            } body: { server in
                let backend = try httpBackend("bearer_token: t\nheaders: {X-Key: k}")
                _ = try await backend.content(try Self.request(server), limit: 1 << 20)
                #expect(server.requests.first?.headers["Authorization"] == "Bearer t")
                #expect(server.requests.first?.headers["X-Key"] == "k")
                #expect(other.requests.count == 1)
                #expect(other.requests.first?.headers["Authorization"] == nil)
                #expect(other.requests.first?.headers["X-Key"] == nil)
            }
        }
    }

    @Test func letsTheRequestsCredentialsWin() async throws {
        try await withScriptedServer { request in
            .content(Self.file, for: request)
        } body: { server in
            let backend = try httpBackend("username: node\npassword: secret")
            var request = try Self.request(server)
            _ = try await backend.head(request)
            request.credentials = .bearer("own")
            _ = try await backend.head(request)
            request.credentials = Credentials(headers: ["Cookie": "c"])
            _ = try await backend.head(request)
            let node = Credentials.basic(user: "node", password: "secret").headers["Authorization"]
            #expect(server.requests.map { $0.headers["Authorization"] } == [node, "Bearer own", nil])
            #expect(server.requests.last?.headers["Cookie"] == "c")
        }
    }

    @Test func readsAPasswordThatIsRenewed() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer { request in
                .content(Self.file, for: request)
            } body: { server in
                let file = "\(directory)/token"
                try replaceFile(file, with: Array("first\n".utf8))
                let backend = try httpBackend("bearer_token_file: \(file)")
                _ = try await backend.head(try Self.request(server))
                try replaceFile(file, with: Array("second\n".utf8))
                _ = try await backend.head(try Self.request(server))
                #expect(server.requests.map { $0.headers["Authorization"] } == ["Bearer first", "Bearer second"])
            }
        }
    }

    @Test func refusesLoopbackUnlessAllowed() async throws {
        try await withScriptedServer { request in
            .content(Self.file, for: request)
        } body: { server in
            var options = loopbackOptions
            options.addresses = .guarded(allow: [])
            let request = try Self.request(server)
            let guarded = try httpBackend(options: options)
            let error = await failure { () throws(BackendError) in _ = try await guarded.head(request) }
            #expect(error?.code == .refused)
            let allowed = try httpBackend("allow_addresses: [127.0.0.1]", options: options)
            #expect(try await allowed.head(request).length == 300_000)
        }
    }

    @Test func saysThatNobodyListens() async throws {
        let request = OriginRequest(resource: Resource(url: try resourceURL("http://127.0.0.1:\(FreePort.next())/")))
        let backend = try httpBackend()
        let error = await failure { () throws(BackendError) in _ = try await backend.head(request) }
        #expect(error?.code == .unreachable)
    }

    @Test(arguments: [true, false])
    func trustsTheConfiguredAuthority(isConfigured: Bool) async throws {
        try await withTemporaryDirectory { root in
            try makeReadable(root)
            try replaceFile("\(root)/file", with: Self.file)
            var options = OriginOptions()
            options.tls = true
            try await withNginx(root: root, options) { server in
                let authority = try #require(server.certificateAuthority)
                let backend = try httpBackend(isConfigured ? "ca_file: \(authority)" : "{}")
                let request = OriginRequest(resource: Resource(url: try resourceURL("\(server.url)/file")))
                let error = await failure { () throws(BackendError) in _ = try await backend.head(request) }
                #expect(error?.code == (isConfigured ? nil : .tls))
            }
        }
    }
}
