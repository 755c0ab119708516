import HTTPTypes
import NIOCore
import NIOHTTP1

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
    /// What the decoder is reading.
    private var current: ByteBuffer?

    init(_ connection: ConnectionGuard) { self.connection = connection }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !connection.dropsInput else { return }
        current = unwrapInboundIn(data)
        context.fireChannelRead(data)
        current = nil
    }

    /// Whether what the decoder is reading has a request line (RFC 9112 §3), or the beginning of one as its last line, with a method
    /// that is not registered.
    var hasUnknownMethod: Bool {
        guard let bytes = current?.readableBytesView else { return false }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        return lines.contains { line in
            let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            let isLine = words.count == 3 && words[2].starts(with: "HTTP/".utf8)
            let mayBecomeOne = words.count < 3 || words.count == 3 && "HTTP/".utf8.starts(with: words[2])
            guard isLine || line.endIndex == bytes.endIndex && mayBecomeOne else { return false }
            let name = String(decoding: words[0], as: UTF8.self)
            guard HTTPRequest.Method(name) != nil, case .RAW = HTTPMethod(rawValue: name) else { return false }
            return true
        }
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
