import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPService

/// Request lines that come in several packets.
@Suite struct SplitRequestLineTests {
    @Test(
        "A method that is not known is told from what is none, as far as it has come (RFC 9110 §15.6.2)",
        arguments: [
            ("FO", "O /hello HTTP/1.1", 501), ("FOO /hel", "lo HTTP/1.1", 501), ("FOO /hello HT", "TP/1.1", 501),
            ("G", "OT /hello HTTP/1.1", 501), ("F(", "O /hello HTTP/1.1", 400), ("FO O O", " HTTP/1.1", 400),
        ]
    )
    func refusal(begin: String, rest: String, status: Int) async throws {
        for first in ["", "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"] {
            let connection = try RefusingConnection()
            for text in [first + begin, rest + "\r\nHost: a\r\n\r\n"] { try connection.send(text) }
            #expect(connection.refusal == status, "\(first)\(begin)")
        }
    }

    /// One in which each of the client's texts comes by itself.
    private final class RefusingConnection {
        private let channel = EmbeddedChannel()
        private(set) var refusal: Int?

        init() throws {
            let connection = ConnectionGuard(headerTimeout: .seconds(5), idleTimeout: .seconds(10))
            try channel.pipeline.syncOperations.addHandlers([
                InputEnd(connection), HTTPPipeline.decoder(maximumHeaderBytes: 8 << 10), HTTPResponseEncoder(),
                OldClients(), ServerCodec(logger: quietLogger) { status, _, _ in self.refusal = status.code },
                connection,
            ])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }

        /// The error that the refused request is to those behind is no matter here.
        func send(_ text: String) throws { _ = try? channel.writeInbound(ByteBuffer(string: text)) }
    }
}
