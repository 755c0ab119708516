import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends connections that would otherwise be held for nothing.
///
/// - A client that does not send its first header in time.
/// - A client that goes on sending a body although the response is complete: it gets a moment to read the response
///   (closing at once would reset the connection and lose it), then the connection ends.
/// - A response that announces `Connection: close` is followed by the close.
///
/// Stands between the HTTP codec and the rest; the idle time between requests is watched behind it.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private static let linger = TimeAmount.seconds(2)
    private let headerTimeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var requestIsComplete = true
    private var closesAfterResponse = false
    /// What stood behind the body of the last request that is complete; the event loop's alone.
    private(set) var trailers: HTTPFields?

    init(headerTimeout: Duration) { self.headerTimeout = TimeAmount(headerTimeout) }

    func handlerAdded(context: ChannelHandlerContext) { closeConnection(of: context, in: headerTimeout) }

    func handlerRemoved(context: ChannelHandlerContext) { cancelDeadline() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            cancelDeadline()
            requestIsComplete = false
            trailers = nil
        case .body: break
        case .end(let fields):
            requestIsComplete = true
            trailers = fields
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            closesAfterResponse = head.headerFields[.connection]?.lowercased() == "close"
            context.write(data, promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            guard closesAfterResponse || !requestIsComplete else { return context.write(data, promise: promise) }
            context.writeAndFlush(data, promise: promise)
            if requestIsComplete {
                context.close(promise: nil)
            } else {
                closeConnection(of: context, in: Self.linger)
            }
        }
    }

    private func closeConnection(of context: ChannelHandlerContext, in time: TimeAmount) {
        cancelDeadline()
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }

    private func cancelDeadline() {
        deadline?.cancel()
        deadline = nil
    }
}
