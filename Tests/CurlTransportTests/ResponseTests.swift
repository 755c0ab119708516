import Content
import CurlTransport
import TestSupport
import Testing

/// What arrives, and how it is told.
@Suite struct ResponseTests {
    let content = randomBytes(300_000, seed: 1)

    @Test func theHeadComesOnceAndBeforeTheBodyWhichIsUnchanged() async throws {
        let content = content
        try await withScriptedServer { _ in
            .raw("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".utf8)
                .raw(
                    "HTTP/1.1 200 OK\r\nContent-Length: \(content.count)\r\nX-Two: a\r\nx-two:  b \r\n folded\r\n\r\n"
                        .utf8
                )
                .body(content)
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink()
                let summary = try await transport.perform(TransferRequest(to: server.url("/a?b=c#d")), into: sink)
                #expect(sink.body.elementsEqual(content))
                #expect(sink.heads == 1)
                let head = try #require(sink.head)
                #expect(head.status == 200)
                #expect(head.contentLength == Int64(content.count))
                #expect(head.fields.values(of: "X-Two") == ["a", "b folded"])
                #expect(!head.fields.contains("Link"))
                #expect(head.httpVersion == "1.1")
                #expect(head.url == server.url("/a?b=c"))
                #expect(summary.bodyBytes == Int64(content.count))
                #expect(summary.remoteAddress == "127.0.0.1")
                #expect(summary.totalSeconds > 0)
                #expect(server.requests.first?.target == "/a?b=c")
            }
        }
    }

    @Test(
        "A length counts that is told several times, and none where the coding has the end (RFC 9112 §6.3)",
        arguments: [
            ("Content-Length: 4\r\ncontent-length: 4", "four", 4), ("Content-Length: 4, 4", "four", 4),
            ("Content-Length: 004", "four", 4),
            ("Transfer-Encoding: chunked\r\nContent-Length: 9", "4\r\nfour\r\n0\r\n\r\n", nil),
        ]
    )
    func lengths(fields: String, body: String, length: Int64?) async throws {
        try await withScriptedServer { _ in
            .raw("HTTP/1.1 200 OK\r\n\(fields)\r\n\r\n".utf8).body(Array(body.utf8))
        } body: { server in
            try await withTransport { transport in
                let response = try await transport.fetch(TransferRequest(to: server.url()))
                #expect(response.body == Array("four".utf8))
                #expect(response.head.contentLength == length)
            }
        }
    }

    @Test(arguments: [200, 204, 206, 304, 400, 401, 403, 404, 416, 429, 500, 503])
    func everyFinalStatusIsAResponse(status: Int) async throws {
        try await withScriptedServer { _ in
            .respond(status, ["X-Status": "\(status)"], body: status == 204 || status == 304 ? [] : [1, 2, 3])
        } body: { server in
            try await withTransport { transport in
                let response = try await transport.fetch(TransferRequest(to: server.url()))
                #expect(response.head.status == status)
                #expect(response.head.fields["X-Status"] == "\(status)")
                #expect(response.body == (status == 204 || status == 304 ? [] : [1, 2, 3]))
            }
        }
    }

    @Test func encodedContentStaysEncoded() async throws {
        // An empty gzip member: any decoder would make nothing of it.
        let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        try await withScriptedServer { _ in
            .respond(200, ["Content-Encoding": "gzip"], body: gzip)
        } body: { server in
            try await withTransport { transport in
                let response = try await transport.fetch(TransferRequest(to: server.url()))
                #expect(response.body.elementsEqual(gzip))
                #expect(response.head.fields["Content-Encoding"] == "gzip")
                #expect(server.requests.first?.headers.contains("Accept-Encoding") == false)
            }
        }
    }

    @Test func bodiesWithoutALengthComeWhole() async throws {
        let content = content
        try await withScriptedServer { request in
            request.path == "/chunked"
                ? .chunked([Array(content[..<10]), Array(content[10..<200_000]), Array(content[200_000...])])
                : .unsized(content)
        } body: { server in
            try await withTransport { transport in
                for path in ["/chunked", "/unsized"] {
                    let response = try await transport.fetch(TransferRequest(to: server.url(path)))
                    #expect(response.body.elementsEqual(content))
                    #expect(response.head.contentLength == nil)
                }
            }
        }
    }

    @Test func aHeadRequestHasALengthAndNoBody() async throws {
        let content = content
        try await withScriptedServer {
            .content(content, for: $0)
        } body: { server in
            try await withTransport { transport in
                let response = try await transport.fetch(TransferRequest(to: server.url(), method: "HEAD"), limit: 10)
                #expect(response.head.contentLength == Int64(content.count))
                #expect(response.body.isEmpty)
            }
        }
    }

    @Test func aBodyBeyondTheLimitIsTooLargeWhetherAnnouncedOrNot() async throws {
        try await withScriptedServer { request in
            request.path == "/sized" ? .respond(body: [1, 2, 3, 4]) : .chunked([[1, 2], [3, 4]])
        } body: { server in
            try await withTransport { transport in
                for path in ["/sized", "/chunked"] {
                    let request = TransferRequest(to: server.url(path))
                    let error = await failure {
                        try await transport.fetch(request, limit: 3)
                    }
                    #expect(error?.code == .tooLarge)
                    let response = try await transport.fetch(request, limit: 4)
                    #expect(response.body == [1, 2, 3, 4])
                }
            }
        }
    }

    @Test func whatFollowsTheAnnouncedLengthIsNoBody() async throws {
        try await withScriptedServer { _ in
            // In one write: what came later would be taken for the next response.
            .raw(Array("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n".utf8) + [1, 2, 3, 4, 5])
        } body: { server in
            try await withTransport { transport in
                let response = try await transport.fetch(TransferRequest(to: server.url()))
                #expect(response.body == [1, 2, 3])
                let again = try await transport.fetch(TransferRequest(to: server.url()))
                #expect(again.body == [1, 2, 3])
            }
        }
    }
}
