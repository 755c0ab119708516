import Content
import CurlTransport
import Synchronization
import TestSupport
import Testing

/// Fields behind a chunked body (RFC 9112 §7.1.2).
@Suite struct TrailerTests {
    /// Three bytes and what stands behind them.
    private final class Source: RequestBodySource {
        private let isGiven = Mutex(false)

        func read(into buffer: UnsafeMutableRawBufferPointer, control: TransferControl) throws -> BodyReadResult {
            let ends = isGiven.withLock { isGiven in
                defer { isGiven = true }
                return isGiven
            }
            guard !ends else { return .end }
            buffer.copyBytes(from: Array("abc".utf8))
            return .bytes(3)
        }

        func trailers() -> HeaderFields { ["X-Sum": "1", "Bad Name": "x", "X-Bad": "a\r\nb", "X-Two": "2"] }
    }

    @Test func ofAResponseAreToldAtItsEnd() async throws {
        try await withScriptedServer { _ in
            .chunked([Array("body".utf8)], trailers: ["X-Sum": "1", "x-sum": "2"])
        } body: { server in
            try await withTransport { transport in
                let sink = RecordingSink()
                let summary = try await transport.perform(TransferRequest(to: server.url()), into: sink)
                #expect(sink.body == Array("body".utf8))
                #expect(summary.trailers.values(of: "X-Sum") == ["1", "2"])
                #expect(!summary.head.fields.contains("X-Sum"))
            }
        }
    }

    @Test(arguments: [true, false]) func ofARequestGoBehindChunksOnly(isSized: Bool) async throws {
        try await withScriptedServer { _ in
            .respond(200)
        } body: { server in
            try await withTransport { transport in
                var request = TransferRequest(to: server.url(), method: "POST")
                request.body = .stream(length: isSized ? 3 : nil, Source())
                let answer = try await transport.fetch(request)
                #expect(answer.head.status == 200)
                let received = try #require(server.requests.first)
                #expect(received.body == Array("abc".utf8))
                #expect(received.trailers == (isSized ? [:] : ["X-Sum": "1", "X-Two": "2"]))
            }
        }
    }

    @Test func withoutAnEndAreAnError() async throws {
        try await withScriptedServer { _ in
            let line = "X: " + String(repeating: "y", count: 1000) + "\r\n"
            return .head(200, ["Transfer-Encoding": "chunked"])
                .body(("0\r\n" + String(repeating: line, count: 400)).utf8).close()
        } body: { server in
            try await withTransport { transport in
                let error = await failure { try await transport.fetch(TransferRequest(to: server.url())) }
                #expect(error != nil)
            }
        }
    }
}
