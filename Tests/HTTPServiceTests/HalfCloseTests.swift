import Content
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import NIOPosix
import NIOSSL
import TestSupport
import Testing

@testable import HTTPService

/// Clients that have nothing more to send, and wait for their answers (RFC 9112 §9.6): `nc -N`.
@Suite(.timeLimit(.minutes(1))) struct HalfCloseTests {
    private func routes(_ router: Router<ServiceRequestContext>) {
        ListenerTests.hello(router)
        router.get("chunks") { _, _ in
            Response(
                status: .ok,
                body: .stream { stream in for _ in 0..<3 { try await stream.write(Array("part\n".utf8)) } }
            )
        }
        router.post("up") { request, _ in
            Response.text("\(try await request.collect(limit: 1000).readableBytes) bytes")
        }
    }

    @Test(
        "A client that ends its side behind its requests gets all of its answers",
        arguments: [
            ("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n127.0.0.1"),
            ("GET /hello HTTP/1.0\r\n\r\n", "\r\n\r\n127.0.0.1"),
            ("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "\r\n\r\n127.0.0.1"),
            ("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nx", "\r\n\r\n127.0.0.1"),
            ("GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n", "part\n\r\n0\r\n\r\n"),
            ("GET /chunks HTTP/1.0\r\n\r\n", "\r\n\r\npart\npart\npart\n"),
            ("POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "\r\n\r\n3 bytes"),
            (
                "GET /chunks HTTP/1.1\r\nHost: x\r\n\r\nPOST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                "\r\n\r\n3 bytes"
            ),
        ]
    )
    func answers(requests: String, end: String) async throws {
        try await withListener(routes: routes) { server in
            let client = try RawClient(port: server.port)
            try await client.send(requests)
            client.endOutput()
            let answer = String(decoding: try await client.readToEnd(), as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.") && answer.dropFirst(8).hasPrefix(" 200 OK\r\n"), "\(answer)")
            #expect(answer.hasSuffix(end), "\(answer)")
        }
    }

    @Test("A large answer comes to its end, too")
    func file() async throws {
        let content = sampleBytes(20 << 20)
        let file = try OpenFile(content)
        try await withListener {
            $0.get("file") { _, _ in Response.file(file.slice(0..<(20 << 20))) }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
            client.endOutput()
            #expect(try await client.readToEnd().hasSuffix(content))
        }
    }

    @Test("An answer that begins late comes all the same")
    func late() async throws {
        let (waits, goOn) = (TestEvent(), TestEvent())
        try await withListener { router in
            router.get("late") { _, _ in
                waits.fire()
                await goOn.wait()
                return Response.text(Task.isCancelled ? "cancelled" : "late")
            }
        } _: { server in
            let client = try RawClient(port: server.port)
            try await client.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
            await waits.wait()
            client.endOutput()
            // It has been asked whether it is there still.
            #expect(try await client.read(25) == Data("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            goOn.fire()
            let answer = String(decoding: try await client.readToEnd(), as: UTF8.self)
            #expect(answer.contains("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nlate"), "\(answer)")
        }
    }

    @Test("A request that has no end is refused")
    func incomplete() async throws {
        try await withListener(routes: routes) { server in
            for request in [
                "GET /hello HTTP/1.1\r\nHost: x\r\n", "POST /up HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nabc",
                "POST /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\nabc",
            ] {
                let client = try RawClient(port: server.port)
                try await client.send(request)
                client.endOutput()
                let answer = String(decoding: try await client.readToEnd(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
            }
            let client = try RawClient(port: server.port)
            client.endOutput()
            #expect(try await client.readToEnd().isEmpty)
        }
    }

    @Test("A client of a Unix socket that has gone is told from one that has only ended its side")
    func unixSocket() async throws {
        let directory = try TemporaryDirectory()
        var configuration = ListenerConfiguration.local()
        let path = directory.url.appendingPathComponent("api.sock").path
        configuration.address = ListenAddress(.unix(path: path))
        let (waits, isCancelled) = (TestEvent(), TestEvent())
        try await withListener(configuration) { router in
            ListenerTests.hello(router)
            router.get("poll") { _, _ in
                waits.fire()
                await TestEvent().wait()
                if Task.isCancelled { isCancelled.fire() }
                return Response.text("late")
            }
        } _: { _ in
            let client = try RawClient(path: path)
            try await client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            client.endOutput()
            #expect(String(decoding: try await client.readToEnd(), as: UTF8.self).hasSuffix("\r\n\r\nunix"))
            let other = try RawClient(path: path)
            try await other.send("GET /poll HTTP/1.1\r\nHost: x\r\n\r\n")
            await waits.wait()
            other.close()
            await isCancelled.wait()
        }
    }

    @Test("Over TLS, too, where the end is a message of its own (RFC 8446 §6.1)")
    func encrypted() async throws {
        let directory = try TemporaryDirectory()
        let files = try await TLSTests.certificate(in: directory, name: "server")
        var configuration = ListenerConfiguration.local()
        configuration.tls = .init(certificate: files.certificate, key: files.key)
        var trust = TLSConfiguration.makeClientConfiguration()
        trust.certificateVerification = .none
        let context = try NIOSSLContext(configuration: trust)
        try await withListener(configuration, routes: routes) { server in
            let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(host: "127.0.0.1", port: server.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                        return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                            wrappingChannelSynchronously: channel,
                            configuration: .init(isOutboundHalfClosureEnabled: true)
                        )
                    }
                }
            let answer = try await client.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n"))
                outbound.finish()
                var answer = ""
                for try await part in inbound { answer += String(buffer: part) }
                return answer
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("part\n\r\n0\r\n\r\n"), "\(answer)")
        }
    }

    // MARK: In a time that the test lets pass

    /// A connection whose requests nobody answers unless the test does.
    private struct Connection {
        let loop = EmbeddedEventLoop()
        let channel: EmbeddedChannel
        let connection: ConnectionGuard

        init(_ request: String) throws {
            connection = ConnectionGuard(headerTimeout: .seconds(5), idleTimeout: .seconds(10))
            channel = EmbeddedChannel(loop: loop)
            try channel.pipeline.syncOperations.addHandlers([
                InputEnd(connection), HTTPPipeline.decoder(maximumHeaderBytes: 8 << 10), HTTPResponseEncoder(),
                OldClients(), ServerCodec(logger: quietLogger), connection,
            ])
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try channel.writeInbound(ByteBuffer(string: request))
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }

        func answer(_ part: HTTPResponsePart) {
            channel.pipeline.syncOperations.writeAndFlush(NIOAny(part), promise: nil)
        }

        /// What has been sent since.
        func output(after time: TimeAmount) throws -> String {
            loop.advanceTime(by: time)
            var text = ""
            while case .byteBuffer(let buffer)? = try channel.readOutbound(as: IOData.self) {
                text += String(buffer: buffer)
            }
            return text
        }
    }

    private static let interim = "HTTP/1.1 100 Continue\r\n\r\n"
    private static let head = HTTPResponsePart.head(HTTPResponse(status: .ok, headerFields: [.contentLength: "2"]))

    @Test("Whether it is there still is asked in front of an answer, never within one")
    func question() throws {
        let ask = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
        let connection = try Connection(ask + ask)
        #expect(try connection.output(after: .milliseconds(999)).isEmpty)
        #expect(try connection.output(after: .milliseconds(1)) == Self.interim)
        #expect(try connection.output(after: .seconds(2)) == Self.interim + Self.interim)
        connection.answer(Self.head)
        #expect(try connection.output(after: .seconds(100)).hasPrefix("HTTP/1.1 200 OK\r\n"))
        connection.answer(.body(ByteBuffer(string: "ab")))
        connection.answer(.end(nil))
        // The second is due.
        #expect(try connection.output(after: .seconds(1)) == "ab" + Self.interim)
        // One that is given again is under way below.
        connection.connection.answerBegins()
        #expect(try connection.output(after: .seconds(5)).isEmpty)
        connection.connection.answerEnds()
        connection.connection.connectionIsTaken()
        #expect(try connection.output(after: .seconds(100)).isEmpty)
        #expect(connection.channel.isActive)
    }

    @Test("Nobody waits longer for an answer than a connection may lie idle, where that can not be asked")
    func idle() throws {
        let connection = try Connection("GET /a HTTP/1.0\r\n\r\n")
        #expect(try connection.output(after: .milliseconds(9_999)).isEmpty)
        #expect(connection.channel.isActive)
        connection.loop.advanceTime(by: .milliseconds(2))
        #expect(!connection.channel.isActive)

        let begun = try Connection("GET /a HTTP/1.0\r\n\r\n")
        begun.answer(Self.head)
        begun.loop.advanceTime(by: .seconds(100))
        #expect(begun.channel.isActive)
    }
}
