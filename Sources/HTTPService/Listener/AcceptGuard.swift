import Logging
import NIOCore

/// Keeps a listener alive when a connection can not be accepted, for want of descriptors as a rule.
///
/// The error would end the stream of connections for good. It is logged instead, and the next attempt waits a little:
/// the connection that could not be taken is still in the queue and would fail again at once.
final class AcceptGuard: ChannelDuplexHandler {
    typealias InboundIn = Any
    typealias OutboundIn = Any

    private static let pause = TimeAmount.milliseconds(100)
    private let logger: Logger
    private var resumesAt: NIODeadline?

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if resumesAt == nil { logger.warning("cannot accept a connection", metadata: ["error": "\(error)"]) }
        resumesAt = .now() + Self.pause
    }

    func read(context: ChannelHandlerContext) {
        guard let time = resumesAt else { return context.read() }
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        let guardian = NIOLoopBound(self, eventLoop: context.value.eventLoop)
        context.value.eventLoop.scheduleTask(deadline: time) {
            guardian.value.resumesAt = nil
            context.value.read()
        }
    }
}
