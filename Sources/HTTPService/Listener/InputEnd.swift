import NIOCore

/// Tells when a client sends nothing more.
///
/// A decoder that holds what another protocol is to read would drop it then: so it does not hear of the end, which goes on when this
/// handler is removed. Where nothing is to take the decoder's place any more, no bytes go on to it either.
///
/// Stands in front of the HTTP decoder.
final class InputEnd: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let connection: ConnectionGuard
    private var isKept = false

    init(_ connection: ConnectionGuard) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !connection.dropsInput { context.fireChannelRead(data) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isKept = connection.hasLastRequest
        connection.inputEnds()
        if !isKept { context.fireUserInboundEventTriggered(event) }
    }

    func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        if isKept { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        context.leavePipeline(removalToken: removalToken)
    }
}
