import HTTPTypes
import Hummingbird
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import TestSupport
import Testing

@testable import HTTPService

/// Requests behind which another protocol is meant to follow: who does not wait for the answer sends that at once.
@Suite(.timeLimit(.minutes(1))) struct LastRequestTests {
    /// Counts how often the connection is to be read from.
    private final class Reads: ChannelOutboundHandler {
        typealias OutboundIn = Never

        private(set) var count = 0

        func read(context: ChannelHandlerContext) { count += 1 }
    }

    private struct Connection {
        let channel = EmbeddedChannel()
        let connection = ConnectionGuard(headerTimeout: .seconds(5), idleTimeout: .seconds(10))
        private let reads = Reads()

        init(_ text: String) throws {
            try channel.pipeline.syncOperations.addHandlers([
                reads, InputEnd(connection), HTTPPipeline.decoder(maximumHeaderBytes: 8 << 10), HTTPResponseEncoder(),
                OldClients(), ServerCodec(logger: quietLogger), connection,
            ])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try channel.writeInbound(ByteBuffer(string: text))
        }

        /// Whether more is read when those behind want more.
        func readsOn() -> Bool {
            let before = reads.count
            channel.read()
            return reads.count > before
        }

        func answer(_ parts: HTTPResponsePart...) {
            for part in parts { channel.pipeline.syncOperations.writeAndFlush(NIOAny(part), promise: nil) }
        }
    }

    @Test(
        "Nothing more is read behind them, whatever the client sends",
        arguments: [
            ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nearly", false),
            ("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nab", true),
            ("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc", false),
            ("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n", true), ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", true),
        ]
    )
    func reading(text: String, readsOn: Bool) throws {
        let connection = try Connection(text)
        #expect(connection.readsOn() == readsOn)
        let behind = try Connection("GET / HTTP/1.1\r\nHost: a\r\n\r\n" + text)
        behind.answer(.head(HTTPResponse(status: .noContent)), .end(nil))
        #expect(behind.readsOn() == readsOn)
    }

    @Test("What has its place on the connection reads on")
    func taken() throws {
        let connection = try Connection("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n")
        connection.connection.connectionIsTaken()
        #expect(!connection.readsOn())
        connection.answer(.end(nil))
        #expect(connection.readsOn())
        #expect(!connection.connection.dropsInput)
        #expect(connection.channel.isActive)
    }

    @Test("Who is told no gets to know it, however much was sent already")
    func declined() async throws {
        let (waits, goOn) = (TestEvent(), TestEvent())
        let answer = String(repeating: "no", count: 100_000)
        try await withListener { router in
            router.get("late") { _, _ in
                waits.fire()
                await goOn.wait()
                return Response.text(answer)
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /late HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            await waits.wait()
            async let sent: Void = client.send(String(repeating: "early", count: 1 << 20))
            goOn.fire()
            let text = String(decoding: try await client.readToEnd(), as: UTF8.self)
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n") && text.hasSuffix("\r\n\r\n\(answer)"))
            try await sent
        }
    }
}
