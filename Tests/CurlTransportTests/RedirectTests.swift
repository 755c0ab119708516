import Content
import CurlTransport
import TestSupport
import Testing

/// Following redirects, and what goes along.
@Suite struct RedirectTests {
    static let secrets: HeaderFields = ["Authorization": "Bearer s", "Cookie": "c=s", "X-Token": "s"]
    static let strays: HeaderFields = ["authorization": "Basic s", "cookie": "c=s"]

    @Test(arguments: [301, 302, 303, 307, 308])
    func credentialsStayWithinTheOrigin(status: Int) async throws {
        try await withScriptedServer { request in
            .respond(200, body: Array(request.target.utf8))
        } body: { other in
            let elsewhere = other.url("/elsewhere")
            try await withScriptedServer { request in
                switch request.path {
                case "/": .redirect(to: "same?x=1", status: status)
                case "/same": .redirect(to: elsewhere, status: status)
                default: .respond()
                }
            } body: { server in
                try await withTransport { transport in
                    var request = TransferRequest(to: server.url())
                    request.headers = ["Accept": "a/b", "Range": "bytes=0-"]
                    request.credentials = Self.secrets
                    let response = try await transport.fetch(request)
                    #expect(response.body == Array("/elsewhere".utf8))
                    #expect(response.head.url == elsewhere)
                    let same = try #require(server.requests.last)
                    #expect(same.target == "/same?x=1")
                    for name in ["Authorization", "Cookie", "X-Token", "Accept"] {
                        #expect(same.headers.contains(name), "\(name)")
                    }
                    let last = try #require(other.requests.first).headers
                    for name in ["Authorization", "Cookie", "X-Token"] { #expect(!last.contains(name), "\(name)") }
                    #expect(last["Accept"] == "a/b")
                    #expect(last["Range"] == "bytes=0-")
                }
            }
        }
    }

    @Test func credentialsThatWereLeftBehindDoNotComeBack() async throws {
        try await withScriptedServer { request in
            .redirect(to: request.query ?? "")
        } body: { other in
            try await withScriptedServer { request in
                request.path == "/" ? .redirect(to: other.url("/?\(request.query ?? "")")) : .respond()
            } body: { server in
                try await withTransport { transport in
                    var request = TransferRequest(to: "http://user:pw@\(server.authority)/?\(server.url("/back"))")
                    request.credentials = ["X-Token": "s"]
                    request.headers = Self.strays
                    request.headers.remove("authorization")
                    request.headers.append("Host", "named")
                    _ = try await transport.fetch(request)
                    #expect(server.requests.map(\.path) == ["/", "/back"])
                    let first = server.requests[0].headers
                    #expect(first.contains("Authorization") && first.contains("X-Token") && first.contains("Cookie"))
                    #expect(first["Host"] == "named")
                    for fields in [other.requests[0].headers, server.requests[1].headers] {
                        for name in ["Authorization", "X-Token", "Cookie"] {
                            #expect(!fields.contains(name), "\(name)")
                        }
                        #expect(fields["Host"] != "named")
                    }
                }
            }
        }
    }

    @Test func credentialsInALocationAreNotUsed() async throws {
        try await withScriptedServer { request in
            request.path == "/" ? .redirect(to: "http://evil:pw@\(request.headers["Host"] ?? "")/next") : .respond()
        } body: { server in
            try await withTransport { transport in
                _ = try await transport.fetch(TransferRequest(to: server.url()))
                #expect(server.requests.map(\.path) == ["/", "/next"])
                #expect(server.requests[1].headers["Authorization"] == nil)
            }
        }
    }

    @Test(arguments: [
        (301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST"),
    ])
    func aPostIsRepeatedOnlyWhereTheStatusSaysSo(status: Int, expected: String) async throws {
        try await withScriptedServer { request in
            request.path == "/" ? .redirect(to: "/next", status: status) : .respond()
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url(), method: "POST")
                request.headers = ["Content-Type": "a/b"]
                request.body = .bytes([1, 2, 3])
                _ = try await transport.fetch(request)
                let second = try #require(server.requests.last)
                #expect(second.method == expected)
                #expect(second.body == (expected == "POST" ? [1, 2, 3] : []))
                #expect(second.headers.contains("Content-Type") == (expected == "POST"))
                #expect(server.connections == 1)
            }
        }
    }

    @Test func aRedirectIsAResponseWhereItIsNotFollowed() async throws {
        try await withScriptedServer { _ in
            .redirect(to: "/next")
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.options.followRedirects = false
                let response = try await transport.fetch(request)
                #expect(response.head.status == 302)
                #expect(response.head.fields["Location"] == "/next")
            }
        }
    }

    @Test func aCircleEnds() async throws {
        try await withScriptedServer { _ in
            .redirect(to: "/")
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.options.maximumRedirects = 3
                let error = await failure { try await transport.fetch(request) }
                #expect(error?.code == .tooManyRedirects)
                #expect(server.requests.count == 4)
            }
        }
    }

    @Test(arguments: [
        ("file:///etc/passwd", TransferError.Code.unsupported), ("ftp://127.0.0.1/", .unsupported),
        ("http://", .protocolError), ("http://h:99999/", .protocolError),
    ])
    func placesThatMayNotBeGoneToAreNot(location: String, code: TransferError.Code) async throws {
        try await withScriptedServer { _ in
            .redirect(to: location)
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url())
                request.options.schemes = ["http", "https", "file", "ftp"]
                let error = await failure { try await transport.fetch(request) }
                #expect(error?.code == code, "\(String(describing: error))")
            }
        }
    }

    @Test(arguments: [100, 1 << 20])
    func theBodyOfARedirectGoesToNobody(size: Int) async throws {
        try await withScriptedServer { request in
            request.path == "/"
                ? .respond(307, ["Location": "/a b/ä"], body: randomBytes(size, seed: 5)) : .respond(body: [9])
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink()
                _ = try await transport.perform(TransferRequest(to: server.url()), into: sink)
                #expect(sink.body == [9])
                #expect(sink.heads == 1)
                #expect(server.requests.last?.path == "/a%20b/%c3%a4")
            }
        }
    }
}
