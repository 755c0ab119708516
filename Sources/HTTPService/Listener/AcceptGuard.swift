import Logging
import NIOCore

/// Keeps a listener alive when a connection fails while it is being accepted.
///
/// NIO reports that (a client that is gone before its socket is set up) on the listening channel, where the error would
/// end the stream of connections for good. Belongs behind NIO's accept handlers; a want of descriptors they wait out
/// themselves.
final class AcceptGuard: ChannelInboundHandler {
    typealias InboundIn = Any

    private let logger: Logger

    private init(logger: Logger) { self.logger = logger }

    static func add(to channel: any Channel, logger: Logger) async throws {
        try await channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let handler = try pipeline.context(name: "AcceptHandler").handler
            try pipeline.addHandler(AcceptGuard(logger: logger), position: .after(handler))
        }.get()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("a connection was lost before it was accepted", metadata: ["error": "\(error)"])
    }
}
