import Content
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Gives ``RepeatedAnswers`` on the connection's event loop; every other request goes on to whoever answers it.
///
/// The last handler: those in front of it see requests and answers as ever.
final class RepeatHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let answers: RepeatedAnswers
    private let observer: RequestObserver
    private let connections: OpenConnections
    private let logger: Logger
    private var remote: RemoteAddress?
    /// The answer to the request that is being read, and when that began.
    private var current: (answer: RepeatedAnswers.Answer, start: ContinuousClock.Instant)?
    /// Requests that are others' to answer, and have not been.
    private var others = 0
    /// The last answer's head with its date, which many have in common.
    private var dated: (answer: RepeatedAnswers.Answer, date: HTTPDate, head: HTTPResponseHead)?
    /// Whether an answer of its own is not over.
    private var isSending = false

    init(_ answers: RepeatedAnswers, _ observer: RequestObserver, _ connections: OpenConnections, _ logger: Logger) {
        self.answers = answers
        self.observer = observer
        self.connections = connections
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            if let answer = answer(to: request, context) {
                current = (answer, .now)
                return
            }
            others += 1
        case .body: if current != nil { return }
        case .end:
            if let (answer, start) = current {
                current = nil
                return send(answer, since: start, context)
            }
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { others -= 1 }
        context.write(data, promise: promise)
    }

    private func answer(to request: HTTPRequest, _ context: ChannelHandlerContext) -> RepeatedAnswers.Answer? {
        // Answers come in the order of the requests, and a client that does not read gets no more than one of them.
        guard others == 0, !isSending else { return nil }
        let remote = remote ?? RemoteAddress(context.channel.remoteAddress)
        self.remote = remote
        guard let key = RepeatedAnswers.key(request, from: remote), let answer = answers.answer(key, at: .now()),
            connections.takesMore(from: context.channel)
        else { return nil }
        // A file that has become shorter is somebody else's to explain.
        let slice = answer.body.slice
        do throws(BodyFailure) { try slice.verify(reaches: slice.range.end) } catch { return nil }
        return answer
    }

    private func send(
        _ answer: RepeatedAnswers.Answer,
        since start: ContinuousClock.Instant,
        _ context: ChannelHandlerContext
    ) {
        let slice = answer.body.slice
        // NIO wants a handle that owns its descriptor and that one write uses at a time: this one only borrows.
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: slice.descriptor)
        let region = FileRegion(
            fileHandle: handle,
            readerIndex: Int(slice.range.offset),
            endIndex: Int(slice.range.end)
        )
        let promise = context.eventLoop.makePromise(of: Void.self)
        let unfinished = NIOLoopBound(self, eventLoop: context.eventLoop)
        promise.futureResult.whenComplete { result in
            _ = try? handle.takeDescriptorOwnership()
            withExtendedLifetime(slice.owner) {}
            unfinished.value.sent(answer, result, since: start)
        }
        isSending = true
        do {
            // A file region exists only on the network side of the codec, and the head is translated already: the handlers
            // in between want to know of the end alone.
            let codec = try context.pipeline.syncOperations.context(handlerType: ServerCodec.self)
            codec.write(NIOAny(HTTPServerResponsePart.head(head(of: answer))), promise: nil)
            codec.write(NIOAny(HTTPServerResponsePart.body(.fileRegion(region))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
        } catch {
            promise.fail(error)  // the pipeline is torn down: the client is gone
        }
    }

    private func head(of answer: RepeatedAnswers.Answer) -> HTTPResponseHead {
        let now = HTTPDate.now
        if let dated, dated.answer === answer, dated.date == now { return dated.head }
        var head = HTTPResponseHead(answer.head)
        if !head.headers.contains(name: "Date") { head.headers.add(name: "Date", value: now.description) }
        dated = (answer, now, head)
        return head
    }

    private func sent(
        _ answer: RepeatedAnswers.Answer,
        _ result: Result<Void, any Error>,
        since start: ContinuousClock.Instant
    ) {
        isSending = false
        var isComplete = false
        if case .success = result { isComplete = true }
        let outcome = RequestServer.Outcome(
            status: answer.head.status.code,
            bytes: isComplete ? answer.body.slice.range.count : 0,
            isComplete: isComplete
        )
        answer.body.count()
        var line = answer.line
        line["hb.request.id"] = .stringConvertible(RequestID())
        line["remote"] = "\(remote ?? RemoteAddress(nil))"
        line["bytes"] = "\(outcome.bytes)"
        observer.observed(outcome, since: start, logger) { line }
    }
}
