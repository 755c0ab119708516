import Content
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPService

/// What an upstream says to a request for another protocol, as it comes in parts.
@Suite struct AnswerReaderTests {
    /// An upstream's connection that an answer is awaited on.
    private struct Upstream {
        let loop = EmbeddedEventLoop()
        let channel: EmbeddedChannel
        let promise: EventLoopPromise<UpstreamAnswer>
        let tunnel = TunnelHandler()

        init(mostBody: Int = 0, needsBody: Bool = true) throws {
            promise = loop.makePromise(of: UpstreamAnswer.self)
            let reader = AnswerReader(promise, mostBody: mostBody, needsBody: needsBody, within: .seconds(10))
            channel = EmbeddedChannel(handlers: [reader, tunnel], loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

        /// Ends the connection: then there is an answer or there is none.
        func answer() throws -> UpstreamAnswer {
            _ = try? channel.finish(acceptAlreadyClosed: true)
            return try promise.futureResult.wait()
        }
    }

    private static let accepted = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n"

    @Test("A yes goes on as it came, with what follows, and interim answers do not", arguments: [1, 7, 1000])
    func accepts(step: Int) throws {
        let upstream = try Upstream()
        let text = Array("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n\(Self.accepted)one\n".utf8)
        for start in stride(from: 0, to: text.count, by: step) {
            try upstream.send(String(decoding: text[start..<min(start + step, text.count)], as: UTF8.self))
        }
        try upstream.send("two\n")
        #expect(upstream.tunnel.bytesRead == Int64(Self.accepted.utf8.count + 8))
        let answer = try upstream.answer()
        #expect(answer.isAccepted)
        #expect(answer.fields == ["Upgrade": "chat"])
    }

    @Test("Nothing of another answer goes on; its body is read where it is wanted and its length is told")
    func declines() throws {
        let head = "HTTP/1.1 403 Forbidden\nContent-Length:  5 \nX: a:b\n\n"
        for (most, body) in [(0, nil), (4, nil), (5, ByteBuffer(string: "later"))] {
            let upstream = try Upstream(mostBody: most)
            for part in [head, "la", "ter", "more"] { try upstream.send(part) }
            #expect(upstream.tunnel.bytesRead == 0)
            let answer = try upstream.answer()
            #expect(answer.status == 403)
            #expect(answer.fields == ["Content-Length": "5", "X": "a:b"])
            #expect(answer.body == body)
        }
    }

    @Test(
        "How long a body is has to be told by one number",
        arguments: [
            ("200 OK\r\nContent-Length: 7", 7), ("200 OK", nil), ("204 No Content", 0), ("304 Not Modified", 0),
            ("200 OK\r\nContent-Length: 7\r\nContent-Length: 7", nil), ("200 OK\r\nContent-Length: +7", nil),
            ("200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked", nil), ("200 OK\r\nContent-Length:", nil),
        ]
    )
    func lengths(head: String, expected: Int?) throws {
        #expect(try #require(UpstreamAnswer(head: "HTTP/1.1 \(head)\r\n\r\n")).bodyLength == expected)
    }

    @Test(
        "What is no answer is none",
        arguments: [
            "SSH-2.0-server\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 No\r\n\r\n",
            "\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HTTP/1.1 +12 OK\r\n\r\n",
        ]
    )
    func malformed(text: String) throws {
        let upstream = try Upstream()
        try upstream.send(text)
        #expect(throws: UpstreamFault.malformed) { try upstream.answer() }
    }

    @Test(
        "A head has an end, in bytes and in time, and interim ones count",
        arguments: ["X: y\r\n", "\r\nHTTP/1.1 100 C\r\n"]
    )
    func bounds(line: String) throws {
        let endless = try Upstream()
        try endless.send("HTTP/1.1 100 C\r\n")
        for _ in 0..<(64 << 10) / line.utf8.count + 1 { try endless.send(line) }
        try endless.send("\r\n\(Self.accepted)")
        #expect(throws: UpstreamFault.tooLong) { try endless.answer() }

        let slow = try Upstream()
        for _ in 0..<10 {
            try slow.send("HTTP/1.1 100 C\r\n\r\n")
            slow.loop.advanceTime(by: .seconds(1))
        }
        try slow.send(Self.accepted)
        #expect(throws: UpstreamFault.late) { try slow.answer() }
    }

    @Test("A connection that ends before the answer gives none")
    func closes() throws {
        let upstream = try Upstream(mostBody: 10)
        try upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlate")
        #expect(throws: UpstreamFault.closed) { try upstream.answer() }
    }

    @Test("Where a body is not needed, the head without it is an answer", arguments: ["late", "later"], [0, 11])
    func withoutBody(body: String, seconds: Int64) throws {
        let upstream = try Upstream(mostBody: 10, needsBody: false)
        try upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\(body)")
        upstream.loop.advanceTime(by: .seconds(seconds))
        let answer = try upstream.answer()
        #expect(answer.status == 200)
        #expect(answer.body == (body == "later" ? ByteBuffer(string: body) : nil))

        let headless = try Upstream(mostBody: 10, needsBody: false)
        try headless.send("HTTP/1.1 200 OK\r\n")
        #expect(throws: UpstreamFault.closed) { try headless.answer() }
    }
}
