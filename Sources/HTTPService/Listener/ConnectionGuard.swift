import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Ends connections that would otherwise be held for nothing.
///
/// - A client that does not send its first header in time.
/// - A connection over which nothing was asked, or answered, for the idle time; never one that waits for an answer.
/// - A client that goes on sending a body although the response is complete: it gets a moment to read the response
///   (closing at once would reset the connection and lose it), then the connection ends.
/// - A client that goes on sending a request that is refused gets that moment, too.
/// - A response that announces `Connection: close` is followed by the close.
/// - Behind a request that another protocol is meant to follow nothing is read until that has its place, as the decoder would keep
///   it all. If the answer is no, what comes is dropped for the same moment.
/// - A client that has gone while it waits for an answer. One that only has nothing more to send (RFC 9112 §9.6, and `nc -N`)
///   looks the same, until something is sent to it: who has gone answers that with a reset. So an answer that takes its time is
///   preceded by interim ones (RFC 9110 §15.2).
///
/// Stands between the HTTP codec and the rest.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private static let linger = TimeAmount.seconds(2)
    /// Between interim answers to a client that sends nothing more.
    private static let doubt = TimeAmount.seconds(1)
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
    /// Something of the answer that is due has left, or has its place on the connection.
    private var answerHasBegun = false
    /// The same of an answer that this handler does not see.
    private var isAnsweredBelow = false
    private var inputHasEnded = false
    /// Another protocol is meant to follow the request that is being read.
    private var endsHTTP = false
    private var question: Scheduled<Void>?
    /// Something else than an answer has its place on the connection.
    private var isTaken = false
    /// What the client sends is of no use any more.
    private(set) var dropsInput = false
    /// A request was none: behind the answers to those before it comes its refusal.
    private var refuses = false
    private var context: ChannelHandlerContext?
    /// What stood behind the body of the last request that is complete; the event loop's alone.
    private(set) var trailers: HTTPFields?

    init(headerTimeout: Duration, idleTimeout: Duration) {
        self.headerTimeout = TimeAmount(headerTimeout)
        self.idleTimeout = TimeAmount(idleTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        lastUse = context.eventLoop.now
        closeConnection(of: context, in: headerTimeout)
        watchIdleness(of: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelDeadline()
        idleDeadline?.cancel()
        question?.cancel()
        self.context = nil
    }

    /// A request that this handler does not see is being answered.
    func answerBegins() {
        unanswered += 1
        isAnsweredBelow = true
    }

    /// The answer to such a request is over.
    func answerEnds(at now: NIODeadline) {
        isAnsweredBelow = false
        isAnswered(at: now)
    }

    private func isAnswered(at now: NIODeadline) {
        unanswered -= 1
        lastUse = now
    }

    /// The request that is due gets something else in the place of an answer.
    func connectionIsTaken() {
        answerHasBegun = true
        isTaken = true
    }

    /// Whether the decoder has come to the end of a request behind which another protocol is meant to follow.
    var hasLastRequest: Bool { endsHTTP && requestIsComplete }

    /// The client sends nothing more.
    func inputEnds() {
        inputHasEnded = true
        requestIsComplete = true
        askWhetherAnybodyWaits()
    }

    private var isBeingAnswered: Bool { answerHasBegun || isAnsweredBelow }

    private func askWhetherAnybodyWaits() {
        guard let context else { return }
        question?.cancel()
        question = context.eventLoop.assumeIsolated().scheduleTask(in: Self.doubt) {
            if self.unanswered > 0, !self.isBeingAnswered {
                context.writeAndFlush(self.wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            self.askWhetherAnybodyWaits()
        }
    }

    private func watchIdleness(of channel: any Channel) {
        idleDeadline = channel.eventLoop.assumeIsolated().scheduleTask(deadline: lastUse + idleTimeout) {
            let now = channel.eventLoop.now
            // Whoever waits for an answer has asked for all that it will, unless nobody does: clients of HTTP/1.0 get no interim ones.
            let waits = self.requestIsComplete && (self.isBeingAnswered || !self.inputHasEnded)
            if self.unanswered > 0, waits { self.lastUse = now }
            guard now >= self.lastUse + self.idleTimeout else { return self.watchIdleness(of: channel) }
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastUse = context.eventLoop.now
        switch unwrapInboundIn(data) {
        case .head(let head):
            cancelDeadline()
            endsHTTP = head.endsHTTP
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

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError, !inputHasEnded { (refuses, dropsInput) = (true, true) }
        context.fireErrorCaught(error)
    }

    func read(context: ChannelHandlerContext) {
        if !hasLastRequest { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            closesAfterResponse = head.headerFields[.connection]?.lowercased() == "close"
            if head.status.kind != .informational { answerHasBegun = true }
            context.write(data, promise: promise)
        case .body:
            context.write(data, promise: promise)
        case .end:
            isAnswered(at: context.eventLoop.now)
            answerHasBegun = false
            let wasLast = unanswered == 0 && hasLastRequest
            if wasLast { endsHTTP = false }
            if wasLast, isTaken {
                isTaken = false
                context.write(data, promise: promise)
                return context.read()
            }
            guard closesAfterResponse || !requestIsComplete else { return context.write(data, promise: promise) }
            context.writeAndFlush(data, promise: promise)
            if wasLast, !inputHasEnded {
                dropsInput = true
                context.close(mode: .output, promise: nil)
                context.read()
            } else if refuses {
                context.read()
            } else if requestIsComplete {
                return context.close(promise: nil)
            }
            closeConnection(of: context, in: Self.linger)
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
