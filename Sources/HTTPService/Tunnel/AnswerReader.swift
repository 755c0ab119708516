import NIOCore

/// Reads an upstream's answer to a request for another protocol, in front of a ``TunnelHandler`` that nothing is joined to yet.
///
/// Where the answer is yes, it goes on to that handler as it came, with all that follows; of any other answer nothing does.
final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Of heads, those of interim answers included.
    private static let longestHead = 64 << 10

    private let mostBody: Int
    private let needsBody: Bool
    private let time: TimeAmount
    private var promise: EventLoopPromise<UpstreamAnswer>?
    private var deadline: Scheduled<Void>?
    private var pending = ByteBuffer()
    /// Bytes of `pending` that no head ends in.
    private var searched = 0
    /// Bytes of interim heads.
    private var dropped = 0
    /// An answer whose body is under way.
    private var declined: UpstreamAnswer?
    private var isAccepted = false

    /// `mostBody`: bodies of other answers are read if they are no longer than that; `needsBody`: where such a body does not come,
    /// there is no answer.
    init(_ promise: EventLoopPromise<UpstreamAnswer>, mostBody: Int, needsBody: Bool = true, within time: TimeAmount) {
        self.promise = promise
        self.mostBody = mostBody
        self.needsBody = needsBody
        self.time = time
    }

    func handlerAdded(context: ChannelHandlerContext) {
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.settle(.failure(.late)) }
        context.read()
    }

    func handlerRemoved(context: ChannelHandlerContext) { settle(.failure(.closed)) }

    func channelInactive(context: ChannelHandlerContext) {
        settle(.failure(.closed))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        settle(.failure(.closed))
        context.fireErrorCaught(error)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { settle(.failure(.closed)) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isAccepted { return context.fireChannelRead(data) }
        guard promise != nil else { return }
        pending.writeImmutableBuffer(unwrapInboundIn(data))
        if declined == nil { readHeads(context) }
        readBody()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if promise != nil { context.read() }
        context.fireChannelReadComplete()
    }

    private func readHeads(_ context: ChannelHandlerContext) {
        while let length = headLength() {
            let text = String(decoding: pending.readableBytesView.prefix(length), as: UTF8.self)
            guard let answer = UpstreamAnswer(head: text) else { return settle(.failure(.malformed)) }
            if answer.isAccepted {
                isAccepted = true
                context.fireChannelRead(wrapInboundOut(pending))
                pending = ByteBuffer()
                return settle(.success(answer))
            }
            pending.moveReaderIndex(forwardBy: length)
            (searched, dropped) = (0, dropped + length)
            guard answer.isInterim else { return decline(answer) }
        }
        if pending.readableBytes + dropped > Self.longestHead { settle(.failure(.tooLong)) }
    }

    /// The length of the head that `pending` begins with, up to and with the empty line; a line feed may stand alone (RFC 9112 §2.2).
    private func headLength() -> Int? {
        let bytes = pending.readableBytesView
        let start = bytes.startIndex
        for index in bytes[(start + searched)...].indices where bytes[index] == UInt8(ascii: "\n") {
            let rest = bytes[(index + 1)...].prefix(2)
            if rest.first == UInt8(ascii: "\n") { return index - start + 2 }
            if rest.elementsEqual("\r\n".utf8) { return index - start + 3 }
        }
        searched = max(0, bytes.count - 2)
        return nil
    }

    private func decline(_ answer: UpstreamAnswer) {
        guard let length = answer.bodyLength, length <= mostBody else { return settle(.success(answer)) }
        declined = answer
    }

    private func readBody() {
        guard var answer = declined, let length = answer.bodyLength, let body = pending.readSlice(length: length) else {
            return
        }
        answer.body = body
        settle(.success(answer))
    }

    private func settle(_ result: Result<UpstreamAnswer, UpstreamFault>) {
        deadline?.cancel()
        switch (result, needsBody ? nil : declined) {
        case (.success(let answer), _), (.failure, let answer?): promise?.succeed(answer)
        case (.failure(let fault), nil): promise?.fail(fault)
        }
        promise = nil
    }
}
