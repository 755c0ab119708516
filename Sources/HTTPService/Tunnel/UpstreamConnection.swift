import Glibc
package import NIOCore
import NIOPosix
package import NIOSSL

/// A connection to somewhere else that is ready to become the other end of a tunnel.
///
/// Where nobody holds it any longer, it closes.
package final class UpstreamConnection: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<TunnelHandler>

    private init(channel: any Channel, handler: NIOLoopBound<TunnelHandler>) {
        self.channel = channel
        self.handler = handler
    }

    deinit { channel.close(promise: nil) }

    /// How an upstream is spoken to over TLS.
    package struct TLS: Sendable {
        let context: NIOSSLContext
        let serverName: String?

        /// `serverName`: what its certificate has to name; nil where it is asked for by its address.
        package init(context: NIOSSLContext, serverName: String?) {
            self.context = context
            self.serverName = serverName
        }
    }

    /// Takes a connected socket over, and waits for the handshake where there is one.
    ///
    /// The descriptor belongs to the connection from here on, whatever happens. `loop` is the client's.
    package static func over(
        _ descriptor: Int32,
        tls: TLS? = nil,
        on loop: any EventLoop
    ) async throws -> UpstreamConnection {
        let handshake = tls.map { _ in loop.makePromise(of: Void.self) }
        let connection = try await loop.flatSubmit {
            let handler = TunnelHandler(linger: .seconds(5), handshake: handshake)
            let bound = NIOLoopBound(handler, eventLoop: loop)
            return
                ClientBootstrap(group: loop)
                .channelOption(.autoRead, value: tls != nil)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .channelOption(.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: userTimeout)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let tls {
                            let client = try NIOSSLClientHandler(context: tls.context, serverHostname: tls.serverName)
                            try channel.pipeline.syncOperations.addHandler(client)
                        }
                        try channel.pipeline.syncOperations.addHandler(bound.value)
                    }
                }
                .withConnectedSocket(descriptor)
                .map { UpstreamConnection(channel: $0, handler: bound) }
                .flatMapErrorThrowing { error in
                    handshake?.fail(error)
                    throw error
                }
        }.get()
        try await handshake?.futureResult.get()
        return connection
    }

    /// Sends a request for another protocol and gives what is answered, once; what follows a yes is left for a tunnel.
    ///
    /// - Parameters:
    ///   - request: the bytes of the request.
    ///   - mostBody: the body of another answer is read too, if its length is told and no more than that.
    ///   - needsBody: whether an answer is none where that body does not come.
    ///   - time: so long the answer may take.
    /// - Returns: the answer's head, and its body where that was wanted.
    /// - Throws: ``UpstreamFault`` where there is no answer.
    package func answer(
        to request: [UInt8],
        mostBody: Int,
        needsBody: Bool = true,
        within time: Duration
    ) async throws -> UpstreamAnswer {
        let (channel, handler) = (channel, handler)
        return try await withTaskCancellationHandler {
            try await channel.eventLoop.flatSubmit {
                let promise = channel.eventLoop.makePromise(of: UpstreamAnswer.self)
                do {
                    // What came before the request answers nothing.
                    guard handler.value.bytesRead == 0 else { throw UpstreamFault.malformed }
                    try channel.pipeline.syncOperations.addHandler(
                        AnswerReader(promise, mostBody: mostBody, needsBody: needsBody, within: TimeAmount(time)),
                        position: .before(handler.value)
                    )
                    handler.value.send(request)
                } catch {
                    promise.fail(error)
                }
                return promise.futureResult
            }.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Milliseconds for which an upstream may acknowledge nothing of what is being sent.
    private static let userTimeout = 300_000
}
