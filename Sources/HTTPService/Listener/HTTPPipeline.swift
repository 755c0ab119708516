import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// The handlers of a connection that speaks HTTP/1.1.
///
/// Those of Hummingbird's `HTTP1Channel`, but with a codec that keeps what proxies need, and with the decoder, behind which no bytes
/// from the client come, in front of the encoder: so that it can give way to something else (`Takeover`).
struct HTTPPipeline: Sendable {
    typealias Connection = HTTP1Channel.Value
    typealias Decoder = ByteToMessageHandler<HTTPRequestDecoder>

    let configuration: ListenerConfiguration
    let server: RequestServer
    let logger: Logger

    /// Adds the handlers; on the channel's event loop.
    func add(to channel: any Channel) throws -> Connection {
        let guardian = ConnectionGuard(
            headerTimeout: configuration.headerTimeout,
            idleTimeout: configuration.idleTimeout
        )
        let repeating = RepeatHandler(server.repeated, server.observer, guardian, logger)
        try channel.pipeline.syncOperations.addHandlers([
            repeating,
            InputEnd(guardian),
            Self.decoder(maximumHeaderBytes: configuration.maximumHeaderBytes),
            HTTPResponseEncoder(),
            OldClients(),
            ServerCodec(logger: logger) { [server, logger] in server.observer.refused($0, $1, $2, logger) },
            guardian,
            HTTPConnectionStateHandler(logger: logger),
            RequestWatch(repeating),
        ])
        return try Connection(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
    }

    /// What is left in it when it is removed goes on: the first bytes of a tunnel.
    static func decoder(maximumHeaderBytes: Int) -> Decoder {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = maximumHeaderBytes
        limits.maxHeaderListSize = maximumHeaderBytes
        limits.maxHeaderFieldCount = 256
        return ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: limits)
        )
    }
}
