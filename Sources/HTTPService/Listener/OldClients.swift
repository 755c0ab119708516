import NIOCore
import NIOHTTP1

/// Answers clients of HTTP/1.0 so that they understand it (RFC 9112 §6.1, §9.3): they know no chunks, and take the connection's
/// end for the body's unless its length is told.
///
/// Stands below the codec of the library's own types, which do not tell the version.
final class OldClients: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private var isOld = false
    private var keepsAlive = true
    private var closesAfterResponse = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            isOld = head.version.major == 1 && head.version.minor == 0
            keepsAlive = head.isKeepAlive
            closesAfterResponse = false
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOld else { return context.write(data, promise: promise) }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            let tellsEnd = head.headers.contains(name: "content-length") || !head.status.mayHaveResponseBody
            closesAfterResponse = !tellsEnd || !keepsAlive
            head.headers.replaceOrAdd(name: "connection", value: closesAfterResponse ? "close" : "keep-alive")
            // The codec makes chunks of what has no length for later versions.
            if !tellsEnd { head.version = .http1_0 }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where closesAfterResponse:
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        // RFC 9110 §15.2: they know no 1xx.
        case .head: promise?.succeed()
        default: context.write(data, promise: promise)
        }
    }
}
