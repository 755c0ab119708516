import NIOCore
import NIOTLS

/// One end of a tunnel: what is read here is written at the other end, no faster than that takes it.
///
/// Both ends are on one event loop. Until they are joined nothing is read but for a TLS handshake in front of the handler,
/// and what comes with that is kept. An end of input becomes an end of output at the other end, a failure a reset: a tunnel
/// that broke does not look like one that ended.
final class TunnelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How long the end waits for what was written to leave once the other one is gone; nil: as long as the kernel does.
    private let linger: TimeAmount?
    /// What waits for the handshake of the TLS in front.
    private var handshake: EventLoopPromise<Void>?
    private var context: ChannelHandlerContext?
    private var partner: TunnelHandler?
    private var kept: [ByteBuffer] = []
    private var waitsForPartner = false
    private var inputHasEnded = false
    private var hasFailed = false
    private var onEnd: (() -> Void)?

    /// Whether the connection is gone.
    private(set) var isClosed = false
    /// Bytes that were read here.
    private(set) var bytesRead: Int64 = 0
    /// When bytes were last read here.
    private(set) var lastRead = NIODeadline.distantPast

    init(linger: TimeAmount? = nil, handshake: EventLoopPromise<Void>? = nil) {
        self.linger = linger
        self.handshake = handshake
    }

    // MARK: Life

    /// Begins to pass bytes on in both directions; `onEnd` is called when both connections are gone.
    func join(_ other: TunnelHandler, onEnd: @escaping () -> Void) {
        (partner, other.partner) = (other, self)
        let finish = {
            guard self.isClosed, other.isClosed else { return }
            self.onEnd = nil
            other.onEnd = nil
            onEnd()
        }
        (self.onEnd, other.onEnd) = (finish, finish)
        start()
        other.start()
    }

    private func start() {
        for buffer in kept { partner?.write(buffer) }
        kept = []
        partner?.context?.flush()
        if isClosed {
            end()
        } else if inputHasEnded {
            partner?.finishOutput()
        } else {
            read()
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        lastRead = context.eventLoop.now
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // Added to a connection that was ending, it was told nothing else.
        if !isClosed { end() }
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        hasFailed = true
        settleHandshake(.failure(error))
        context.close(promise: nil)
    }

    private func end() {
        isClosed = true
        settleHandshake(.failure(ChannelError.eof))
        if let partner, !partner.isClosed {
            if hasFailed { partner.reset() } else { partner.finishAndClose() }
        }
        onEnd?()
    }

    private func settleHandshake(_ result: Result<Void, any Error>) {
        handshake?.completeWith(result)
        handshake = nil
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        bytesRead += Int64(buffer.readableBytes)
        lastRead = context.eventLoop.now
        if let partner { partner.write(buffer) } else { kept.append(buffer) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        partner?.context?.flush()
        read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, let partner, partner.waitsForPartner { partner.read() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            inputHasEnded = true
            partner?.finishOutput()
        case ChannelEvent.outputClosed: break
        case TLSUserEvent.handshakeCompleted:
            try? context.channel.syncOptions?.setOption(.autoRead, value: false)
            settleHandshake(.success(()))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    private func read() {
        guard !inputHasEnded, let partner, !partner.isClosed, let context else { return }
        waitsForPartner = partner.context?.channel.isWritable != true
        if !waitsForPartner { context.read() }
    }

    // MARK: Writing

    private func write(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }

    /// Sends bytes that nobody at the other end has sent.
    func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        write(ByteBuffer(bytes: bytes))
        context?.flush()
    }

    /// Ends the output once all that was written has left.
    private func finishOutput() { whenWritten { $0.close(mode: .output, promise: nil) } }

    private func finishAndClose() {
        guard let context else { return }
        let late = linger.map { context.eventLoop.assumeIsolated().scheduleTask(in: $0) { self.reset() } }
        whenWritten { context in
            late?.cancel()
            context.close(promise: nil)
        }
    }

    private func whenWritten(_ action: @escaping (ChannelHandlerContext) -> Void) {
        guard let context else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in
            if let context = self.context { action(context) }
        }
        // It is written, as nothing, when everything before it is.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
    }

    /// Closes at once; the other side sees that it was no end.
    func reset() { context?.channel.reset() }
}
