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
/// What is to be done a ``ConnectionState`` decides. Stands between the HTTP codec and the rest.
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
    private var state = ConnectionState(openedAt: .distantPast)
    private var deadline: Scheduled<Void>?
    private var idleDeadline: Scheduled<Void>?
    private var question: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    /// What stood behind the body of the last request that is complete; the event loop's alone.
    private(set) var trailers: HTTPFields?

    init(headerTimeout: Duration, idleTimeout: Duration) {
        self.headerTimeout = TimeAmount(headerTimeout)
        self.idleTimeout = TimeAmount(idleTimeout)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        state = ConnectionState(openedAt: context.eventLoop.now)
        closeConnection(of: context, in: headerTimeout)
        watchIdleness(of: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancelDeadline()
        idleDeadline?.cancel()
        question?.cancel()
        self.context = nil
    }

    // MARK: What others know

    /// A request that this handler does not see is being answered.
    func answerBegins() { handle(.answerBelow) }

    /// The answer to such a request is over.
    func answerEnds() { handle(.answerBelowEnd) }

    /// The request that is due gets something else in the place of an answer.
    func connectionIsTaken() { handle(.takeover) }

    /// The client sends nothing more.
    func inputEnds() {
        handle(.inputEnd)
        askWhetherAnybodyWaits()
    }

    /// Whether the decoder has come to the end of a request behind which another protocol is meant to follow.
    var hasLastRequest: Bool { state.hasLastRequest }

    /// Whether what the client sends is of no use any more.
    var dropsInput: Bool { state.dropsInput }

    @discardableResult private func handle(_ event: ConnectionState.Event) -> ConnectionState.Action {
        guard let context else { return .goOn }
        return state.handle(event, at: context.eventLoop.now)
    }

    // MARK: Time

    private func askWhetherAnybodyWaits() {
        guard let context else { return }
        question?.cancel()
        question = context.eventLoop.assumeIsolated().scheduleTask(in: Self.doubt) {
            if self.state.doubtsClient {
                context.writeAndFlush(self.wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            self.askWhetherAnybodyWaits()
        }
    }

    private func watchIdleness(of channel: any Channel) {
        let deadline = state.lastUse + idleTimeout
        idleDeadline = channel.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            let now = channel.eventLoop.now
            guard now >= self.state.lastUse(at: now) + self.idleTimeout else { return self.watchIdleness(of: channel) }
            channel.close(promise: nil)
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

    // MARK: Messages

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            cancelDeadline()
            trailers = nil
            handle(.requestHead(isLast: head.endsHTTP))
        case .body: handle(.requestBody)
        case .end(let fields):
            trailers = fields
            handle(.requestEnd)
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is HTTPParserError { handle(.refused) }
        context.fireErrorCaught(error)
    }

    func read(context: ChannelHandlerContext) {
        if !hasLastRequest { context.read() }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head) where head.status.kind != .informational:
            handle(.answerHead(closes: head.headerFields[.connection]?.lowercased() == "close"))
            context.write(data, promise: promise)
        case .head, .body: context.write(data, promise: promise)
        case .end:
            let action = handle(.answerEnd)
            context.write(data, promise: promise)
            perform(action, context)
        }
    }

    private func perform(_ action: ConnectionState.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .goOn: break
        case .read: context.read()
        case .close:
            context.flush()
            context.close(promise: nil)
        case .linger, .endOutputAndLinger:
            context.flush()
            if action == .endOutputAndLinger { context.close(mode: .output, promise: nil) }
            context.read()
            closeConnection(of: context, in: Self.linger)
        }
    }
}
