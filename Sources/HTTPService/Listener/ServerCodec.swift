import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL

/// Translates between NIO's messages and those of HTTPTypes.
///
/// NIO's own translator forgets whether a client named scheme and authority in its first line, as one of a proxy does, and
/// takes the target of CONNECT apart. Here a request has a scheme if the client named one, or if its connection is
/// intercepted; see ``RequestTarget``.
final class ServerCodec: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let logger: Logger
    private let refused: (HTTPResponse.Status, _ why: String, any Channel) -> Void
    private var intercepted: String?
    private var dropsEnd = false
    /// How a request is answered that was none; nothing behind it is read.
    private var refusal: HTTPResponse.Status?
    /// Requests whose answer is not over.
    private var unanswered = 0
    /// The head of a request has come, and not its end.
    private var isWithinRequest = false

    /// `refused` is told how a request is answered that is none, and what makes it that, in words that are not the client's.
    init(
        logger: Logger,
        refused: @escaping (HTTPResponse.Status, _ why: String, any Channel) -> Void = { _, _, _ in }
    ) {
        self.logger = logger
        self.refused = refused
    }

    /// From now on the client believes to talk to `authority` over TLS; the response that is under way was sent already but
    /// for its end, which has no bytes.
    func intercept(_ authority: String) {
        intercepted = authority
        dropsEnd = true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard refusal == nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            guard let request = request(head) else {
                return refuse(.invalidMethod, "the method is none", context)
            }
            if let fault = Self.ambiguity(head) { return refuse(.invalidHeaderToken, fault, context) }
            unanswered += 1
            isWithinRequest = true
            context.fireChannelRead(wrapInboundOut(.head(request)))
        case .body(let body): context.fireChannelRead(wrapInboundOut(.body(body)))
        case .end(let trailers):
            isWithinRequest = false
            context.fireChannelRead(wrapInboundOut(.end(trailers.map { HTTPFields($0, splitCookie: false) })))
        }
    }

    /// Behind the answers to earlier requests comes the refusal, and the end of the connection.
    private func refuse(_ error: HTTPParserError, _ why: String, _ context: ChannelHandlerContext) {
        // What is within a request already is answered as that.
        let status = isWithinRequest ? .badRequest : Self.status(error, context)
        refusal = status
        refused(status, why, context.channel)
        context.fireErrorCaught(error)
    }

    private static func status(_ error: HTTPParserError, _ context: ChannelHandlerContext) -> HTTPResponse.Status {
        switch error {
        case .headerOverflow: return .requestHeaderFieldsTooLarge
        case .invalidMethod:
            // The parser knows the methods that are registered, and takes no others.
            let input = try? context.pipeline.syncOperations.handler(type: InputEnd.self)
            return input?.hasUnknownMethod == true ? .notImplemented : .badRequest
        default: return .badRequest
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Nobody answers a client that is gone.
        if let error = error as? HTTPParserError, refusal == nil, context.channel.isActive {
            return refuse(error, error.debugDescription, context)
        }
        if let intercepted, case .handshakeFailed? = error as? NIOSSLError {
            // The client shows an error of the server's certificate; whose that is stands here alone.
            logger.info(
                "a client would not have the certificate: does it trust the authority of hijack_https?",
                metadata: ["host": "\(intercepted)", "remote": "\(RemoteAddress(context.channel.remoteAddress))"]
            )
        }
        context.fireErrorCaught(error)
    }

    /// Why a head does not name one host (RFC 9112 §3.2; HTTP/1.0 knows none), or frames its body in a way that is not understood
    /// (§6.1).
    private static func ambiguity(_ head: HTTPRequestHead) -> String? {
        let hosts = head.headers["host"].count
        guard hosts == 1 || (hosts == 0 && head.version == .http1_0) else { return "not one Host field but \(hosts)" }
        let codings = head.headers["transfer-encoding"]
        guard codings.isEmpty || (codings.count == 1 && codings[0].lowercased() == "chunked") else {
            return "a transfer coding that is not chunked"
        }
        return nil
    }

    private func request(_ head: HTTPRequestHead) -> HTTPRequest? {
        guard let method = HTTPRequest.Method(head.method.rawValue) else { return nil }
        let target = RequestTarget(
            head.uri,
            isConnect: method == .connect,
            host: head.headers.first(name: "host"),
            intercepted: intercepted
        )
        var fields = HTTPFields(head.headers, splitCookie: false)
        // What the client says of the connection is said of the tunnel's too early: it is not over with the response.
        if method == .connect { fields[.connection] = nil }
        return HTTPRequest(
            method: method,
            scheme: target.scheme,
            authority: target.authority,
            path: target.path,
            headerFields: fields
        )
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var response):
            // The library has one answer to all of them.
            if unanswered == 0, response.status == .badRequest, let refusal { response.status = refusal }
            context.write(wrapOutboundOut(.head(HTTPResponseHead(response))), promise: promise)
        case .body(let body): context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: promise)
        case .end where dropsEnd:
            unanswered -= 1
            dropsEnd = false
            promise?.succeed()
        case .end(let trailers):
            unanswered -= 1
            context.write(wrapOutboundOut(.end(trailers.map { HTTPHeaders($0) })), promise: promise)
        }
    }
}
