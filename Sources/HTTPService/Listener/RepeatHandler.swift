import Content
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTPTypes

/// Gives ``RepeatedAnswers`` to requests that are, byte by byte, ones that were answered before; everything else goes on to the
/// decoder.
///
/// Stands in front of the HTTP codec. It knows what it looks at only while the decoder holds nothing and nothing is unanswered: a
/// connection over which anything else came than one request without a body after the other is left alone from then on.
final class RepeatHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// A request that went on, as it came and as it was understood, and the head of its answer.
    private struct Exchange {
        let text: ByteBuffer
        var request: HTTPRequest?
        var head: ByteBuffer?
    }

    /// Longer requests are looked at each time.
    private static let longestText = 8 << 10
    /// More requests at once are no waiting for answers.
    private static let mostWaiting = 8

    private let answers: RepeatedAnswers
    private let observer: RequestObserver
    private let logger: Logger
    private let connection: ConnectionGuard
    /// Requests that went on and are not answered.
    private var waiting: [Exchange] = []
    /// Whether the decoder has come to the end of the request that went on last.
    private var isUnderstood = false
    /// An answer of its own is under way.
    private var isSending = false
    /// The connection is left alone.
    private var isBeyond = false
    /// Whether a request went on; before that it is not decided whether the client may have the connection.
    private var isAdmitted = false
    private var hasForwarded = false
    private var answered: Exchange?
    private var client: String?
    private var clientInLog = Logger.MetadataValue.string("")
    /// A shutdown has begun, and waits for the answer that is under way.
    private var quiesces = false
    /// Those behind have closed the connection, as they do after a request that is none: not before the answer has left.
    private var closes = false
    /// What those behind know: of an answer of this handler they hear nothing.
    private var isWritable = true

    init(_ answers: RepeatedAnswers, _ observer: RequestObserver, _ connection: ConnectionGuard, _ logger: Logger) {
        self.answers = answers
        self.observer = observer
        self.connection = connection
        self.logger = logger
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isBeyond else { return forward(data, context) }
        let (start, now, text) = (ContinuousClock.now, context.eventLoop.now, unwrapInboundIn(data))
        if let answer = answer(to: text, at: now) { return send(answer, since: start, context) }
        guard Self.isOneHead(text), waiting.count < Self.mostWaiting else { return leaveAlone(data, context) }
        if !isAdmitted {
            isAdmitted = true
            let remote = RemoteAddress(context.channel.remoteAddress)
            (client, clientInLog) = (remote.ip, "\(remote)")
        }
        // A copy: what is read next may then use the same memory.
        waiting.append(Exchange(text: ByteBuffer(bytes: text.readableBytesView)))
        isUnderstood = false
        forward(data, context)
        // The decoder has read it all by now: that is what the connection can go on from.
        if !isUnderstood { isBeyond = true }
    }

    private func leaveAlone(_ data: NIOAny, _ context: ChannelHandlerContext) {
        isBeyond = true
        waiting = []
        tellWritability(context)
        forward(data, context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard hasForwarded else { return }
        hasForwarded = false
        context.fireChannelReadComplete()
    }

    private func forward(_ data: NIOAny, _ context: ChannelHandlerContext) {
        hasForwarded = true
        context.fireChannelRead(data)
    }

    private func answer(to text: ByteBuffer, at now: NIODeadline) -> RepeatedAnswers.Answer? {
        // Answers come in the order of the requests, and a client that does not read gets no more than one of them.
        guard waiting.isEmpty, !isSending, !quiesces, isAdmitted else { return nil }
        return answers.answer(RepeatedAnswers.Key(client: client, text: text), at: now)
    }

    /// Whether it is the head of one request that asks for something, to the byte.
    private static func isOneHead(_ text: ByteBuffer) -> Bool {
        guard text.readableBytes <= longestText else { return false }
        return text.withUnsafeReadableBytes { bytes in
            guard bytes.starts(with: "GET ".utf8) || bytes.starts(with: "HEAD ".utf8) else { return false }
            let last = bytes.count - 4
            let end = (0...last).first {
                bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self).littleEndian == 0x0a0d_0a0d
            }
            return end == last
        }
    }

    // MARK: Answers of others

    /// What the decoder has made of the request that went on last.
    fileprivate func understood(_ part: HTTPRequestPart) {
        guard !isBeyond, let last = waiting.indices.last else { return }
        switch part {
        // What comes behind these may be another protocol.
        case .head(let request) where waiting[last].request == nil && !request.headerFields.contains(.upgrade):
            waiting[last].request = request
        case .end(nil) where !isUnderstood: isUnderstood = true
        default: isBeyond = true
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if !isBeyond, !waiting.isEmpty, waiting[0].head == nil, case .byteBuffer(let head) = unwrapOutboundIn(data) {
            waiting[0].head = head
        }
        context.write(data, promise: promise)
    }

    /// The answer of the first request that waits has been written.
    fileprivate func wasAnswered() {
        if !isBeyond, !waiting.isEmpty { answered = waiting.removeFirst() }
    }

    /// Whether the answer that `request` has got, with a body of `length` bytes, is one to keep.
    ///
    /// To be called on the event loop.
    func wants(_ request: HTTPRequest, length: Int) -> Bool {
        guard let exchange = answered, exchange.request == request, let head = exchange.head else { return false }
        return answers.lacks(RepeatedAnswers.Key(client: client, text: exchange.text))
            && RepeatedAnswers.Answer.isPossible(to: request, exchange.text, head, length: length)
    }

    /// Has the answer that `request` has got given again: the head that was written, and `body`.
    ///
    /// `line`: what the access log has of it; `count` counts one more. To be called on the event loop.
    func keep(
        _ body: ByteBuffer,
        of request: HTTPRequest,
        line: Logger.Metadata,
        count: @escaping @Sendable () -> Void,
        on loop: any EventLoop
    ) {
        guard let exchange = answered, exchange.request == request, let head = exchange.head,
            let answer = RepeatedAnswers.Answer(to: request, exchange.text, head, body, made: loop.now, line, count)
        else { return }
        answers.keep(answer, for: RepeatedAnswers.Key(client: client, text: exchange.text), on: loop)
    }

    // MARK: Its own answers

    private func send(
        _ answer: RepeatedAnswers.Answer,
        since start: ContinuousClock.Instant,
        _ context: ChannelHandlerContext
    ) {
        isSending = true
        connection.answerBegins()
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            var isComplete = false
            if case .success = result { isComplete = true }
            self.sent(answer, isComplete, since: start, context)
        }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(answer.bytes)), promise: promise)
    }

    private func sent(
        _ answer: RepeatedAnswers.Answer,
        _ isComplete: Bool,
        since start: ContinuousClock.Instant,
        _ context: ChannelHandlerContext
    ) {
        isSending = false
        connection.answerEnds()
        tellWritability(context)
        let outcome = RequestServer.Outcome(status: 200, bytes: isComplete ? answer.length : 0, isComplete: isComplete)
        answer.count()
        observer.observed(outcome, since: start, logger) {
            var line = answer.condensedLine
            if !isComplete {
                line = answer.line
                line["bytes"] = "0"
            }
            line["remote"] = clientInLog
            return line
        }
        if closes {
            // Behind whatever those behind have had to say.
            let rest = context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())))
            return rest.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
        if quiesces { context.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Who closes in a shutdown has waited long enough. Where the client sends no more, the output's end is the connection's.
        guard isSending, !quiesces, mode != .input else { return context.close(mode: mode, promise: promise) }
        closes = true
        context.channel.closeFuture.cascade(to: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isSending, !isBeyond { return }
        tellWritability(context)
    }

    private func tellWritability(_ context: ChannelHandlerContext) {
        guard context.channel.isWritable != isWritable else { return }
        isWritable.toggle()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            quiesces = true
            if isSending { return }
        }
        context.fireUserInboundEventTriggered(event)
    }
}

/// Tells a ``RepeatHandler`` what becomes of the requests that went on; the last handler.
final class RequestWatch: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let handler: RepeatHandler

    init(_ handler: RepeatHandler) { self.handler = handler }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        handler.understood(unwrapInboundIn(data))
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        if case .end = unwrapOutboundIn(data) { handler.wasAnswered() }
    }
}
