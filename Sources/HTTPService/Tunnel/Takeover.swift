import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOSSL

/// Makes something else of a connection that spoke HTTP.
///
/// The decoder is the only handler that bytes from the client reach: what stands in its place has the connection. The handlers
/// behind it stay, with the request whose answer this is under way, and hear of nothing but the end.
struct Takeover: Sendable {
    let channel: any Channel
    let connections: OpenConnections
    let maximumHeaderBytes: Int

    /// RFC 9110 §9.3.6: the answer to a CONNECT has neither a length nor a transfer coding.
    static let established = Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8)

    /// Puts a tunnel's end in the decoder's place; what that has not read is the tunnel's.
    ///
    /// To be called on the event loop.
    func tunnel() -> EventLoopFuture<NIOLoopBound<TunnelHandler>> {
        let end = NIOLoopBound(TunnelHandler(), eventLoop: channel.eventLoop)
        do {
            try channel.syncOptions?.setOption(.autoRead, value: false)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.handler(type: ConnectionGuard.self).connectionIsTaken()
            let decoder = try pipeline.handler(type: HTTPPipeline.Decoder.self)
            let inputEnd = NIOLoopBound(try pipeline.handler(type: InputEnd.self), eventLoop: channel.eventLoop)
            try pipeline.addHandler(end.value, position: .after(decoder))
            return pipeline.removeHandler(decoder).flatMap {
                self.channel.pipeline.syncOperations.removeHandler(inputEnd.value)
            }.map { end }
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    /// Says that the tunnel is there, and turns to TLS: requests for `authority` come next, and are answered as others are.
    ///
    /// To be called on the event loop.
    func encrypt(_ tls: NIOSSLContext, as authority: String) -> EventLoopFuture<Void> {
        do {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.handler(type: ConnectionGuard.self).connectionIsTaken()
            let decoder = try pipeline.handler(type: HTTPPipeline.Decoder.self)
            let inputEnd = NIOLoopBound(try pipeline.handler(type: InputEnd.self), eventLoop: channel.eventLoop)
            let kept = NIOLoopBound(KeptBytes(), eventLoop: channel.eventLoop)
            try pipeline.addHandler(kept.value, position: .after(decoder))
            let context = try pipeline.context(handler: kept.value)
            context.writeAndFlush(NIOAny(ByteBuffer(bytes: Self.established)), promise: nil)
            return pipeline.removeHandler(decoder).flatMapThrowing {
                try self.restart(behind: kept.value, tls, authority)
            }.flatMap {
                self.channel.pipeline.syncOperations.removeHandler(kept.value)
            }.flatMap {
                self.channel.pipeline.syncOperations.removeHandler(inputEnd.value)
            }
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    private func restart(behind kept: KeptBytes, _ tls: NIOSSLContext, _ authority: String) throws {
        let pipeline = channel.pipeline.syncOperations
        let server = NIOSSLServerHandler(context: tls)
        let decoder = HTTPPipeline.decoder(maximumHeaderBytes: maximumHeaderBytes)
        try pipeline.addHandler(server, position: .after(kept))
        let inputEnd = InputEnd(try pipeline.handler(type: ConnectionGuard.self))
        try pipeline.addHandler(inputEnd, position: .after(server))
        try pipeline.addHandler(decoder, position: .after(inputEnd))
        try pipeline.handler(type: ServerCodec.self).intercept(authority)
        try pipeline.handler(type: OldClients.self).forgetFirst()
        connections.noteInterception(of: channel)
        // For the handlers that count: the request for the tunnel is answered.
        channel.pipeline.syncOperations.writeAndFlush(NIOAny(HTTPResponsePart.end(nil)), promise: nil)
    }
}

/// Keeps bytes until it is removed: what the client sends while there is nobody to read it.
final class KeptBytes: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var buffers: [ByteBuffer] = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { buffers.append(unwrapInboundIn(data)) }

    func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        for buffer in buffers { context.fireChannelRead(wrapInboundOut(buffer)) }
        if !buffers.isEmpty { context.fireChannelReadComplete() }
        context.leavePipeline(removalToken: removalToken)
    }
}
