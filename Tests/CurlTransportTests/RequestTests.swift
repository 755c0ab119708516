import Content
import CurlTransport
import TestSupport
import Testing

/// What is sent.
@Suite struct RequestTests {
    @Test func fieldsRangeAndCredentialsAreSentOnce() async throws {
        try await withScriptedServer { _ in
            .respond()
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url("/x"))
                request.headers = ["X-A": "1", "X-A": "2", "X-Empty": "", "Content-Length": "99", "User-Agent": "me"]
                request.credentials = ["Authorization": "Bearer secret", "Cookie": "a=b"]
                request.range = .closed(ByteRange(10..<20))
                _ = try await transport.fetch(request)
                let fields = try #require(server.requests.first).headers
                #expect(fields.values(of: "X-A") == ["1", "2"])
                #expect(fields.values(of: "X-Empty") == [""])
                #expect(fields.values(of: "Authorization") == ["Bearer secret"])
                #expect(fields.values(of: "Cookie") == ["a=b"])
                #expect(fields.values(of: "Range") == ["bytes=10-19"])
                #expect(fields.values(of: "User-Agent") == ["me"])
                #expect(!fields.contains("Content-Length"))
                #expect(!fields.contains("Expect"))
            }
        }
    }

    @Test func anOpenRangeHasNoEnd() async throws {
        try await withScriptedServer {
            .content([1, 2, 3, 4], for: $0)
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.range = .from(2)
                let response = try await transport.fetch(request)
                #expect(response.head.status == 206)
                #expect(response.body == [3, 4])
            }
        }
    }

    @Test func userInformationInTheURLIsBasicAuthorizationAndNotPartOfTheURL() async throws {
        try await withScriptedServer { _ in
            .respond()
        } body: { server in
            try await withTransport { transport in
                let response = try await transport.fetch(
                    TransferRequest(to: "http://us%65r:p%3Aw@\(server.authority)/")
                )
                // user:p:w
                #expect(server.requests.first?.headers["Authorization"] == "Basic dXNlcjpwOnc=")
                #expect(response.head.url == server.url())
                var request = TransferRequest(to: "http://user:pw@\(server.authority)/")
                request.credentials = ["Authorization": "Bearer t"]
                _ = try await transport.fetch(request)
                #expect(server.requests.last?.headers.values(of: "Authorization") == ["Bearer t"])
            }
        }
    }

    @Test(
        arguments: [
            ("nonsense", "GET", [:], nil),
            ("http://a b/", "GET", [:], nil),
            ("http://h/", "GE T", [:], nil),
            ("http://h/", "", [:], nil),
            ("http://h/", "GET", ["A": "x\r\nB: y"], nil),
            ("http://h/", "GET", ["A\n": "x"], nil),
            ("http://h/", "GET", ["A": "x\0"], nil),
            ("http://h/", "GET", [:], TransferRange.from(-1)),
            ("http://h/", "GET", [:], .closed(ByteRange(5..<5))),
        ] as [(String, String, HeaderFields, TransferRange?)]
    )
    func whatCanNotBeSentIsRefused(
        url: String,
        method: String,
        headers: HeaderFields,
        range: TransferRange?
    ) async throws {
        try await withTransport { transport in
            var request = TransferRequest(to: url, method: method)
            request.credentials = headers
            request.range = range
            let error = await failure { try await transport.fetch(request) }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://h/", "gopher://h/", "dict://h/"])
    func otherSchemesAreRefused(url: String) async throws {
        try await withTransport { transport in
            let error = await failure { try await transport.fetch(TransferRequest(to: url)) }
            #expect(error?.code == .unsupported)
        }
    }

    @Test func nothingThatIsPrintedHasCredentials() async throws {
        var request = TransferRequest(to: "http://user:hunter2@127.0.0.1:1/path?token=hunter2")
        request.credentials = ["Authorization": "hunter2"]
        request.body = .bytes(Array("hunter2".utf8))
        var dumped = ""
        dump(request, to: &dumped)
        #expect(!"\(request)\(String(reflecting: request))\(dumped)".contains("hunter2"))
        try await withTransport { transport in
            let error = await failure { try await transport.fetch(request) }
            #expect(error?.code == .cannotConnect)
            #expect(error?.curlCode == 7)
            #expect(!String(describing: error).contains("hunter2"))
            #expect(error?.message.contains("http://127.0.0.1:1") == true)
        }
    }

    @Test func connectionsAreUsedAgain() async throws {
        try await withScriptedServer { _ in
            .respond(body: [1])
        } body: { server in
            try await withTransport { transport in
                for number in 1...5 {
                    let sink = RecordingSink()
                    let summary = try await transport.perform(TransferRequest(to: server.url()), into: sink)
                    #expect(summary.reusedConnection == (number > 1))
                    #expect((summary.connectSeconds == 0) == (number > 1))
                }
                #expect(server.connections == 1)
            }
        }
    }

    @Test func aUnixSocketIsConnectedTo() async throws {
        try await withTemporaryDirectory { directory in
            try await withScriptedServer(unixSocket: "\(directory)/s") { _ in
                .respond(body: [7])
            } body: { server in
                try await withTransport(environment: ["http_proxy": "http://127.0.0.1:1"]) { transport in
                    var request = TransferRequest(url: "http://node/api")
                    request.options.unixSocketPath = "\(directory)/s"
                    let response = try await transport.fetch(request)
                    #expect(response.body == [7])
                    let again = try await transport.fetch(request)
                    #expect(again.body == [7])
                    #expect(server.requests.first?.headers["Host"] == "node")
                    #expect(server.connections == 1)
                }
            }
        }
    }
}
