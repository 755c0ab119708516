package import HTTPTypes
package import Hummingbird
import NIOCore
package import NIOSSL

/// What went through a tunnel.
package struct TunnelReport: Sendable {
    /// Bytes to the client.
    package let received: Int64
    /// Bytes from the client.
    package let sent: Int64
}

extension Response {
    /// Connects the client to `upstream`: bytes flow both ways until both sides have ended.
    ///
    /// - Parameters:
    ///   - upstream: the other end.
    ///   - status: what the request's line in the log says.
    ///   - answer: what the client is sent first, as it is.
    ///   - idleTimeout: a tunnel that nothing goes through for so long is cut off.
    ///   - onEnd: called with what went through, when the tunnel has ended.
    /// - Returns: a response that must not be changed any more, as nothing of its head is sent.
    package static func tunnel(
        to upstream: UpstreamConnection,
        status: HTTPResponse.Status = .ok,
        answering answer: [UInt8] = [],
        idleTimeout: Duration,
        onEnd: @escaping @Sendable (TunnelReport) -> Void
    ) -> Response {
        Response(
            status: status,
            body: .takeover { sender in
                let tunnel = Tunnel(
                    takeover: sender.giveAway(),
                    upstream: upstream,
                    idleTimeout: TimeAmount(idleTimeout)
                )
                let report = try await tunnel.run(answering: answer)
                sender.count(report.received)
                onEnd(report)
            }
        )
    }

    /// Connects the client to this very server over TLS, in the place of `authority`.
    ///
    /// What the client asks for then are requests like others, with that authority and the scheme `https`.
    package static func interception(of authority: String, _ tls: NIOSSLContext) -> Response {
        Response(
            status: .ok,
            body: .takeover { sender in
                let takeover = sender.giveAway()
                try await takeover.channel.eventLoop.flatSubmit { takeover.encrypt(tls, as: authority) }.get()
            }
        )
    }

    /// A response to CONNECT as ``tunnel(to:status:answering:idleTimeout:onEnd:)`` has it.
    package static func established(
        to upstream: UpstreamConnection,
        idleTimeout: Duration,
        onEnd: @escaping @Sendable (TunnelReport) -> Void
    ) -> Response {
        .tunnel(to: upstream, answering: Takeover.established, idleTimeout: idleTimeout, onEnd: onEnd)
    }
}

extension ResponseBody {
    /// A body in whose place something else happens to the connection.
    fileprivate static func takeover(_ run: @escaping @Sendable (ResponseSender) async throws -> Void) -> ResponseBody {
        ResponseBody { writer in
            guard let sender = writer as? ResponseSender else {
                throw BodyFailure(.unfinished, "a tunnel was wrapped by something that can not be one")
            }
            try await run(sender)
        }
    }
}
