import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Ends connections that would otherwise be held for nothing.
///
/// - A client that does not send its first header in time.
/// - A connection over which nothing was asked, or answered, for the idle time; never one that waits for an answer.
/// - A client that goes on sending a body although the response is complete: it gets a moment to read the response
///   (closing at once would reset the connection and lose it), then the connection ends.
/// - A response that announces `Connection: close` is followed by the close.
///
/// Stands between the HTTP codec and the rest.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private static let linger = TimeAmount.seconds(2)
    private let headerTimeout: TimeAmount
    private let idleTimeout: TimeAmount
    private var deadline: Scheduled<Void>?
    private var idleDeadline: Scheduled<Void>?
    /// When anything was last asked or answered.
    private var lastUse = NIODeadline.distantPast
    /// Requests whose answer is not over.
    private var unanswered = 0
    private var requestIsComplete = true
    private var closesAfterResponse = false
    /// What stood behind the body of the last request that is complete; the event loop's alone.
    private(set) var trailers: HTTPFields?

    init(headerTimeout: Duration, idleTimeout: Duration) {
        self.headerTimeout = TimeAmount(headerTimeout)
        self.idleTimeout = TimeAmount(idleTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        lastUse = context.eventLoop.now
        closeConnection(of: context, in: headerTimeout)
        watchIdleness(of: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelDeadline()
        idleDeadline?.cancel()
    }

    /// A request begins that this handler does not see.
    func answerBegins() { unanswered += 1 }

    /// The answer to such a request is over.
    func answerEnds(at now: NIODeadline) {
        unanswered -= 1
        lastUse = now
    }

    private func watchIdleness(of channel: any Channel) {
        idleDeadline = channel.eventLoop.assumeIsolated().scheduleTask(deadline: lastUse + idleTimeout) {
            let now = channel.eventLoop.now
            // Whoever waits for an answer has asked for all that it will.
            if self.unanswered > 0, self.requestIsComplete { self.lastUse = now }
            guard now >= self.lastUse + self.idleTimeout else { return self.watchIdleness(of: channel) }
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastUse = context.eventLoop.now
        switch unwrapInboundIn(data) {
        case .head:
            cancelDeadline()
            unanswered += 1
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
            answerEnds(at: context.eventLoop.now)
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
