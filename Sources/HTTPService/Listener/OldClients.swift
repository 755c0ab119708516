import NIOCore
import NIOHTTP1

/// Answers clients of HTTP/1.0 so that they understand it (RFC 9112 §6.1, §9.3): they know no chunks, and take the connection's
/// end for the body's unless its length is told.
///
/// Where that end is none, as the body broke off, they get a reset.
///
/// Stands below the codec of the library's own types, which do not tell the version.
final class OldClients: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What the client has said with a request.
    private struct Manner {
        let isOld: Bool
        let keepsAlive: Bool
        let isHead: Bool
    }

    /// Of the requests that are not answered, in their order: a client may send the next ones without waiting.
    private var manners: CircularBuffer<Manner> = []
    private var closesAfterResponse = false
    /// A body is under way whose end the connection's would be.
    private var isWithinBody = false

    /// Says that the first request that waits has got its answer by another way.
    func forgetFirst() { _ = manners.popFirst() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            let isOld = head.version.major == 1 && head.version.minor == 0
            manners.append(Manner(isOld: isOld, keepsAlive: head.isKeepAlive, isHead: head.method == .HEAD))
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        let manner = manners.first
        if case .end = part {
            forgetFirst()
            isWithinBody = false
        }
        guard let manner, manner.isOld else { return context.write(data, promise: promise) }
        switch part {
        case .head(var head) where head.status.code >= 200:
            let tellsEnd = head.headers.contains(name: "content-length") || !head.status.mayHaveResponseBody
            closesAfterResponse = !tellsEnd || !manner.keepsAlive
            head.headers.replaceOrAdd(name: "connection", value: closesAfterResponse ? "close" : "keep-alive")
            // The codec makes chunks of what has no length for later versions.
            if !tellsEnd { head.version = .http1_0 }
            isWithinBody = !tellsEnd && !manner.isHead
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end where closesAfterResponse:
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        // RFC 9110 §15.2: they know no 1xx.
        case .head: promise?.succeed()
        default: context.write(data, promise: promise)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isWithinBody, mode != .input else { return context.close(mode: mode, promise: promise) }
        isWithinBody = false
        context.channel.reset(promise: promise)
    }
}
