import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPService

/// When a tunnel is cut off, in a time that the test lets pass.
@Suite struct IdleWatchTests {
    /// Two joined ends, and the loop that keeps their time.
    private func withTunnel(
        _ body: (EmbeddedEventLoop, _ client: EmbeddedChannel, _ origin: EmbeddedChannel) throws -> Void
    )
        throws
    {
        let loop = EmbeddedEventLoop()
        let ends = [TunnelHandler(), TunnelHandler()]
        let channels = ends.map { EmbeddedChannel(handler: $0, loop: loop) }
        for channel in channels {
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }
        let watch = IdleWatch(ends[0], ends[1], after: .seconds(10), on: loop)
        ends[0].join(ends[1]) { watch.stop() }
        watch.start()
        try body(loop, channels[0], channels[1])
        for channel in channels { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    @Test("A tunnel that nothing goes through is cut off in time, not sooner")
    func idle() throws {
        try withTunnel { loop, client, origin in
            loop.advanceTime(by: .milliseconds(9_999))
            #expect(client.isActive && origin.isActive)
            loop.advanceTime(by: .milliseconds(1))
            #expect(!client.isActive && !origin.isActive)
        }
    }

    @Test("Bytes in either direction keep a tunnel for another while", arguments: [true, false])
    func used(byClient: Bool) throws {
        try withTunnel { loop, client, origin in
            let (from, to) = byClient ? (client, origin) : (origin, client)
            for _ in 0..<5 {
                loop.advanceTime(by: .seconds(9))
                try from.writeInbound(ByteBuffer(string: "x"))
                #expect(try to.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "x"))
            }
            loop.advanceTime(by: .milliseconds(9_999))
            #expect(client.isActive && origin.isActive)
            loop.advanceTime(by: .milliseconds(1))
            #expect(!client.isActive && !origin.isActive)
        }
    }
}
