import Foundation
import HTTPTypes
import Logging
import Metrics
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import Testing

@testable import HTTPService

/// What becomes of a connection while an answer is given again over it, in a time that the test lets pass.
@Suite struct RepeatConnectionTests {
    private static let idle = Duration.seconds(10)
    private static let request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Keeps what is written from leaving, as a client does that does not read.
    private final class Dam: ChannelOutboundHandler {
        typealias OutboundIn = IOData
        typealias OutboundOut = IOData

        var isClosed = false
        private var held: [(data: NIOAny, promise: EventLoopPromise<Void>?)] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if isClosed { held.append((data, promise)) } else { context.write(data, promise: promise) }
        }

        func open(_ context: ChannelHandlerContext) {
            isClosed = false
            let writes = held
            held = []
            for write in writes { context.write(write.data, promise: write.promise) }
            context.flush()
        }
    }

    /// Answers each request with two bytes.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPRequestPart
        typealias OutboundOut = HTTPResponsePart

        var requests: [HTTPRequest] = []
        var isQuiescing = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let request): requests.append(request)
            case .body: break
            case .end:
                let head = HTTPResponse(status: .ok, headerFields: [.contentLength: "2"])
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(ByteBuffer(string: "ab"))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent { isQuiescing = true }
        }
    }

    /// A connection over which one request was answered, whose answer may be given again.
    private struct Connection {
        let loop = EmbeddedEventLoop()
        let channel: EmbeddedChannel
        let dam = Dam()
        let answerer = Answerer()

        init() throws {
            let guardian = ConnectionGuard(headerTimeout: .seconds(5), idleTimeout: RepeatConnectionTests.idle)
            let observer = RequestObserver(name: "test", accessLog: false, metrics: NOOPMetricsHandler.instance)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let handler = RepeatHandler(RepeatedAnswers(), observer, guardian, logger)
            channel = EmbeddedChannel(loop: loop)
            try channel.pipeline.syncOperations.addHandlers([
                dam, handler, HTTPPipeline.decoder(maximumHeaderBytes: 8 << 10), HTTPResponseEncoder(),
                ServerCodec(logger: logger), guardian, RequestWatch(handler), answerer,
            ])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            #expect(try ask().hasSuffix("ab"))
            let request = try #require(answerer.requests.first)
            #expect(handler.wants(request, length: 2))
            #expect(!handler.wants(request, length: 3))
            handler.keep(
                ByteBuffer(string: "ab"),
                of: request,
                line: [:],
                count: {},
                on: loop
            )
            // Nobody need read a body for what is kept already.
            #expect(!handler.wants(request, length: 2))
        }

        /// What comes back for the request.
        func ask(_ text: String = RepeatConnectionTests.request) throws -> String {
            try channel.writeInbound(ByteBuffer(string: text))
            return try output()
        }

        func output() throws -> String {
            var text = ""
            while case .byteBuffer(let buffer)? = try channel.readOutbound(as: IOData.self) {
                text += String(buffer: buffer)
            }
            return text
        }

        func open() throws { dam.open(try channel.pipeline.syncOperations.context(handler: dam)) }
    }

    @Test("A connection is in use as long as answers are given again")
    func keepsAlive() throws {
        let connection = try Connection()
        let loop = connection.loop
        loop.advanceTime(by: .milliseconds(900))
        #expect(try connection.ask().hasSuffix("ab"))
        #expect(connection.answerer.requests.count == 1)
        loop.advanceTime(by: .milliseconds(9_999))
        #expect(connection.channel.isActive)
        loop.advanceTime(by: .milliseconds(2))
        #expect(!connection.channel.isActive)
    }

    @Test("A client that takes its time with an answer is not idle")
    func slowReader() throws {
        let connection = try Connection()
        connection.dam.isClosed = true
        #expect(try connection.ask().isEmpty)
        connection.loop.advanceTime(by: .seconds(100))
        #expect(connection.channel.isActive)
        try connection.open()
        #expect(try connection.output().hasSuffix("ab"))
        #expect(connection.answerer.requests.count == 1)
        connection.loop.advanceTime(by: .seconds(9))
        #expect(connection.channel.isActive)
        connection.loop.advanceTime(by: .seconds(11))
        #expect(!connection.channel.isActive)
    }

    /// Of the output alone: as where the client sends no more.
    @Test(
        "A close waits for the answer that is under way, and for what follows it",
        arguments: [CloseMode.all, .output]
    )
    func closes(mode: CloseMode) throws {
        let connection = try Connection()
        connection.dam.isClosed = true
        #expect(try connection.ask().isEmpty)
        // It does not know the answer that is given again, and is answered behind it.
        #expect(try connection.ask("GET /b HTTP/1.1\r\nHost: x\r\n\r\n").isEmpty)
        let closed = connection.channel.close(mode: mode)
        #expect(connection.channel.isActive)
        try connection.open()
        let output = try connection.output()
        #expect(output.hasSuffix("ab") && output.components(separatedBy: "HTTP/1.1 200").count == 3, "\(output)")
        connection.loop.run()
        #expect(!connection.channel.isActive)
        try closed.wait()
    }

    @Test("A shutdown waits for the answer that is under way, but not for ever")
    func shutdown() throws {
        let connection = try Connection()
        connection.dam.isClosed = true
        #expect(try connection.ask().isEmpty)
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        #expect(!connection.answerer.isQuiescing)
        try connection.open()
        #expect(connection.answerer.isQuiescing)
        // From now on nothing is given again.
        _ = try connection.output()
        #expect(try connection.ask().hasSuffix("ab"))
        #expect(connection.answerer.requests.count == 2)

        let other = try Connection()
        other.dam.isClosed = true
        #expect(try other.ask().isEmpty)
        other.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        other.channel.close(promise: nil)
        #expect(!other.channel.isActive)
    }
}
